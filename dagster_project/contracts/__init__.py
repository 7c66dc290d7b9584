"""Defines what each raw table promises: one contract object per table.

Belongs here: columns, types, keys, allowed values and ranges, and nothing but. Tables are created, batches are
checked and the dbt sources are compared from these objects. Does not belong here: fetching, casting, SQL beyond a
column's type, anything that imports another room of this project.
"""
