"""Defines the contracts of daily prices and exchange sessions.

Does not belong here: curated facts (`contracts.curated`).
"""

import datetime as dt

from dagster_project.contracts.base import AtLeast, Column, Contract, LoadMode

_EARLIEST = dt.date(1900, 1, 1)

DAILY_PRICES = Contract(
    table="market__daily_prices",
    description="One row per symbol and day as the price source gave it, split-adjusted, in US dollars.",
    columns=(
        Column("symbol", "varchar", "Ticker.", required=True, pattern=r"^[A-Z0-9][A-Z0-9.^=\-]{0,14}$"),
        Column(
            "trade_date",
            "date",
            "Day of the bar, exchange time.",
            required=True,
            not_before=_EARLIEST,
            not_in_future=True,
        ),
        Column("open", "double", "First price, USD; empty where the source gives closes only.", above=0),
        Column("high", "double", "Highest price, USD; empty where the source gives closes only.", above=0),
        Column("low", "double", "Lowest price, USD; empty where the source gives closes only.", above=0),
        Column(
            "close",
            "double",
            "Last price, USD, adjusted for splits, not for dividends.",
            required=True,
            above=0,
            maximum=1e7,
        ),
        Column("adj_close", "double", "Close adjusted for splits and dividends, where the vendor gives it.", above=0),
        Column("volume", "bigint", "Shares (units for bitcoin) traded.", minimum=0, maximum=1e12),
        Column(
            "dividend_usd",
            "double",
            "Dividend per share that went ex on the day; empty if none did.",
            minimum=0,
            maximum=1e6,
        ),
        Column(
            "split_ratio",
            "double",
            "New shares for one old on the day of a split; empty on all others.",
            above=0,
            maximum=1e4,
        ),
        Column(
            "price_basis",
            "varchar",
            "What the close is adjusted for, where the source says so: split_adjusted, split_and_dividend_adjusted or "
            "as_traded; empty where it does not.",
            allowed=("split_adjusted", "split_and_dividend_adjusted", "as_traded"),
        ),
        Column(
            "is_repaired",
            "boolean",
            "Whether the high or low missed the open or close by the noise of a float and was set to it.",
        ),
    ),
    key=("symbol", "trade_date"),
    rules=(
        AtLeast("high", "low", "high is below low"),
        AtLeast("high", "open", "high is below open"),
        AtLeast("high", "close", "high is below close"),
        AtLeast("open", "low", "open is below low"),
        AtLeast("close", "low", "close is below low"),
    ),
    mode=LoadMode.UPSERT,
    guard_by=("symbol",),
    window_by="trade_date",
    history="close",
    lasting=("open", "high", "low", "volume"),
)

SESSIONS = Contract(
    table="calendar__sessions",
    description="One row per New York Stock Exchange session.",
    columns=(
        Column("session_date", "date", "Day of the session, exchange time.", required=True),
        Column("is_half_day", "boolean", "Whether the exchange closed early.", required=True),
        Column(
            "close_utc_minutes",
            "bigint",
            "When the exchange closes, in minutes after midnight UTC of that day.",
            required=True,
            minimum=0,
            maximum=24 * 60,
        ),
    ),
    key=("session_date",),
)
