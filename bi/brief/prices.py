"""What the price did and where it stands: the move of the day, averages, levels.

Belongs here: facts read from prices and technicals. Does not belong here: words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bi.brief.reader import Reader


@dataclass(frozen=True)
class Returns:
    """Changes in percent over so many sessions, of one instrument or the mean of several; None where not known."""

    of: str
    instruments: int
    return_1d_pct: float | None
    return_5d_pct: float | None
    return_21d_pct: float | None
    return_63d_pct: float | None


@dataclass(frozen=True)
class Move:
    """What the price did: USD, percent against the close before, and other instruments over the same sessions."""

    trade_date: date
    close: float
    prev_close: float | None
    change_pct: float | None
    own: Returns
    peers: Returns | None
    bitcoin: Returns | None
    note: int


@dataclass(frozen=True)
class Level:
    """A price where the stock has turned before."""

    side: str
    level_price: float
    distance_pct: float
    touches: int
    first_touch_date: date
    last_touch_date: date


@dataclass(frozen=True)
class Technicals:
    """The quote (or close) against what was known at a close; USD and percent."""

    trade_date: date
    quote: float
    sma_50: float | None
    pct_vs_sma_50: float | None
    sma_200: float | None
    pct_vs_sma_200: float | None
    rsi_14: float | None
    rsi_zone: str | None
    high_52w: float | None
    pct_vs_high_52w: float | None
    pct_vs_close: float | None
    levels: tuple[Level, ...]
    note: int
    levels_note: int


def read_move(reader: Reader) -> Move | None:
    """The last close known and what other miners and bitcoin did; None without a price."""
    bar = reader.row(
        """
        select trade_date, close, prev_close, change_pct, return_1d_pct, return_5d_pct, return_21d_pct, return_63d_pct
        from fct_daily_technicals where symbol = $symbol and trade_date <= $prices_until
        order by trade_date desc limit 1
        """
    )
    if bar is None:
        return None
    beside = {
        row["of"]: Returns(**row)
        for row in reader.rows(
            """
            select
                case when dim_miners.is_miner then 'miners' else 'bitcoin' end as of,
                count(*) as instruments,
                avg(return_1d_pct) as return_1d_pct,
                avg(return_5d_pct) as return_5d_pct,
                avg(return_21d_pct) as return_21d_pct,
                avg(return_63d_pct) as return_63d_pct
            from fct_daily_technicals
            inner join dim_miners on fct_daily_technicals.symbol = dim_miners.symbol
            where
                trade_date = $trade_date
                and (instrument_type = 'bitcoin' or is_miner and dim_miners.symbol <> $symbol)
            group by all
            """,
            trade_date=bar["trade_date"],
        )
    }
    symbol = reader.known["symbol"]
    returns = {name: bar[name] for name in bar if name.startswith("return_")}
    return Move(
        trade_date=bar["trade_date"],
        close=bar["close"],
        prev_close=bar["prev_close"],
        change_pct=bar["change_pct"],
        own=Returns(of=symbol, instruments=1, **returns),
        peers=beside.get("miners"),
        bitcoin=beside.get("bitcoin"),
        note=reader.cite("fct_daily_technicals", f"close and returns of {bar['trade_date']}"),
    )


def read_technicals(reader: Reader) -> Technicals | None:
    """The quote (or close) against averages and levels; None without a price."""
    row = reader.row("select * from technical_picture($symbol, $prices_until, $quote)")
    if row is None:
        return None
    levels = reader.rows(
        """
        select
            case when level_price <= $price then 'support' else 'resistance' end as side,
            level_price,
            100 * (level_price / $price - 1) as distance_pct,
            touches, first_touch_date, last_touch_date
        from fct_price_levels
        where symbol = $symbol and trade_date = $trade_date and list_contains($prices, level_price)
        order by level_price desc
        """,
        trade_date=row["trade_date"],
        price=row["quote"],
        prices=[
            row[name]
            for name in ("nearest_support", "next_support", "nearest_resistance", "next_resistance")
            if row[name] is not None
        ],
    )
    names = (
        "trade_date quote sma_50 pct_vs_sma_50 sma_200 pct_vs_sma_200 rsi_14 rsi_zone high_52w pct_vs_high_52w "
        "pct_vs_close"
    )
    return Technicals(
        **{name: row[name] for name in names.split()},
        levels=tuple(Level(**level) for level in levels),
        note=reader.cite("technical_picture", f"at the close of {row['trade_date']}"),
        levels_note=reader.cite("fct_price_levels", f"at the close of {row['trade_date']}"),
    )
