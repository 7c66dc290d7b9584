"""Lists every raw table of the warehouse, in order of flow.

Belongs here: the list. Does not belong here: a contract itself (the modules beside this one).
"""

from dagster_project.contracts.base import Contract
from dagster_project.contracts.curated import CURATED_CONTRACTS
from dagster_project.contracts.filings import FILING_CONTRACTS
from dagster_project.contracts.market import DAILY_PRICES, SESSIONS
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES

RAW_TABLES: tuple[Contract, ...] = (
    SESSIONS,
    DAILY_PRICES,
    *CURATED_CONTRACTS,
    YAHOO_RATING_CHANGES,
    *FILING_CONTRACTS,
)
