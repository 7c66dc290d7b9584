"""What people and BI tools see of the published file.

Belongs here: readers of the marts, each in a folder or module of its own. Does not belong here: writing to the
warehouse, reading anything but the published file, and computing what a mart or a macro already says.
"""
