"""What analysts said: the last notes on a company and the targets in force.

Belongs here: facts read from ratings. Does not belong here: words, and which note is in force (the marts say).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from bi.brief.reader import Reader, Row


@dataclass(frozen=True)
class Rating:
    """An analyst note, and what came after it as far as that was known; targets and `close_before` in USD."""

    symbol: str
    rating_date: date
    firm: str
    action: str
    from_rating: str | None
    to_rating: str | None
    price_target_prior: float | None
    price_target_new: float | None
    close_before: float | None
    implied_upside_pct: float | None
    return_1d_pct: float | None
    return_5d_pct: float | None
    return_21d_pct: float | None
    abnormal_return_1d_pct: float | None
    abnormal_return_5d_pct: float | None
    abnormal_return_21d_pct: float | None
    note: int


@dataclass(frozen=True)
class Consensus:
    """What the firms that were seen thought; targets in USD."""

    trade_date: date
    rated_firms: int
    firms_with_target: int
    mean_price_target: float | None
    low_price_target: float | None
    high_price_target: float | None
    note: int


_RATING = {field.name for field in fields(Rating)} - {"note"}


def read_ratings(reader: Reader) -> tuple[Rating | None, Rating | None, tuple[Rating, ...]]:
    """The last note, the last change of rating if that is another one, and its firm's other notes of the same day."""
    rows = reader.rows(
        """
        select
            told.*, measured.close_before,
            case when measured.price_target_new = told.price_target_new then measured.implied_upside_pct end
                as implied_upside_pct,
            -- what came after is known at the close that ends its window
            case when return_1d_known_date <= $prices_until then return_1d_pct end as return_1d_pct,
            case when return_5d_known_date <= $prices_until then return_5d_pct end as return_5d_pct,
            case when return_21d_known_date <= $prices_until then return_21d_pct end as return_21d_pct,
            case when return_1d_known_date <= $prices_until then abnormal_return_1d_pct end as abnormal_return_1d_pct,
            case when return_5d_known_date <= $prices_until then abnormal_return_5d_pct end as abnormal_return_5d_pct,
            case when return_21d_known_date <= $prices_until then abnormal_return_21d_pct end
                as abnormal_return_21d_pct
        from ratings_asof($session) as told
        left join fct_rating_changes as measured
            on
                told.symbol = measured.symbol
                and told.rating_date = measured.rating_date
                and told.firm = measured.firm
        where told.is_in_force
        order by told.symbol, told.recency
        """
    )

    def rating(row: Row) -> Rating:
        what = f"{row['firm']} on {row['symbol']}, {row['rating_date']}"
        facts = {name: value for name, value in row.items() if name in _RATING}
        return Rating(**facts, note=reader.cite("ratings_asof", what, row["source_url"]))

    own = [row for row in rows if row["symbol"] == reader.known["symbol"]]
    if not own:
        return None, None, ()
    last = own[0]
    changed = next((row for row in own if row["is_rating_change"]), None)
    others = [
        row
        for row in rows
        if row["rating_date"] == last["rating_date"] and row["firm"] == last["firm"] and row["symbol"] != last["symbol"]
    ]
    return (
        rating(last),
        rating(changed) if changed and changed is not last else None,
        tuple(rating(row) for row in sorted(others, key=lambda row: row["change_rank"])),
    )


def read_consensus(reader: Reader) -> Consensus | None:
    """The consensus of the session, or of the last one with prices before it; None where no note is in force."""
    row = reader.row(
        """
        select trade_date, rated_firms, firms_with_target, mean_price_target, low_price_target, high_price_target
        from fct_consensus_daily
        where
            symbol = $symbol
            and trade_date = least(cast($session as date), (select max(trade_date) from fct_consensus_daily))
        """
    )
    if row is None:
        return None
    return Consensus(**row, note=reader.cite("fct_consensus_daily", f"notes in force on {row['trade_date']}"))
