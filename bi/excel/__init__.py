"""An Excel workbook of the snapshot, deals, sites, notes and published values, with types, formats and sources.

Belongs here: sheets and cell formats. Does not belong here: figures (marts).
"""
