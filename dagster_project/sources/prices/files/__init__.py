"""Reads daily prices from a folder of files that vendors let people download.

In order of flow: `folder` finds the files and opens archives, `names` reads the symbol from a name, `sheets` turns
bytes into columns of text, `layouts` says which column is which, `dates` and `numbers` rewrite cells as ISO dates and
plain decimals, `bars` looks at a symbol's bars as a whole, and `source` puts the batch together.

Belongs here: everything that a file can tell about itself. Does not belong here: whether a value is plausible (the
gate and the data tests), or fetching anything from a network.
"""

from dagster_project.sources.prices.files.dates import DateOrder
from dagster_project.sources.prices.files.source import FilePrices

__all__ = ["DateOrder", "FilePrices"]
