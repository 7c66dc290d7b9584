"""The story of one miner on one day: which facts it holds, what could be known, what is missing.

Belongs here: what a brief is made of. Does not belong here: words, layout, and reading one subject (a module each).

**What could be known.** Without a quote the story is told after the close of its session. With a quote it is told
during that session: what was published that day is known, but of prices only those up to the close before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from bi.brief.analysts import Consensus, Rating, read_consensus, read_ratings
from bi.brief.contracts import Capacity, Deals, Site, read_capacity, read_deals, read_sites
from bi.brief.prices import Move, Technicals, read_move, read_technicals
from bi.brief.reader import Note, Reader, Row, StoryError
from bi.brief.worth import (
    BalanceSheet,
    Scenario,
    Valuation,
    read_balance_sheet,
    read_scenarios,
    read_valuation,
)
from bi.published import connect

DEALS_LOOK_BACK = timedelta(days=60)
"""How far back deals are told of where nothing else is asked for."""


@dataclass(frozen=True)
class Gap:
    """What is missing, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Story:
    """Everything the page says. `prices_until` is the last session whose close was known."""

    symbol: str
    company_name: str
    asked_date: date
    session: date
    prices_until: date
    quote: float | None
    is_simulated: bool
    move: Move | None
    rating: Rating | None
    re_rating: Rating | None
    same_day: tuple[Rating, ...]
    consensus: Consensus | None
    technicals: Technicals | None
    deals: Deals
    capacity: Capacity | None
    sites: tuple[Site, ...]
    scenarios: tuple[Scenario, ...]
    valuation: Valuation | None
    balance_sheet: BalanceSheet | None
    gaps: tuple[Gap, ...]
    notes: tuple[Note, ...]

    @property
    def price(self) -> float | None:
        """What values are compared with: the quote, else the last close; USD."""
        if self.quote is not None:
            return self.quote
        return self.move.close if self.move else None


def read_story(
    database: Path, symbol: str, as_of: date, *, quote: float | None = None, since: date | None = None
) -> Story:
    """The story of one miner on the last session up to `as_of`, from one state of the published file.

    `quote` is a price in USD during that session; `since` the first day that deals are told of, by default
    `DEALS_LOOK_BACK` before the session. Raises `StoryError` where there is nothing to tell, and
    `bi.published.NotPublishedError`.
    """
    symbol = symbol.upper()
    if quote is not None and not 0 < quote < float("inf"):
        raise StoryError(f"a quote is a price in USD above zero, not {quote}")
    with connect(database) as connection:
        reader = Reader(connection, {"symbol": symbol})
        company = _company(reader)
        session, prices_until = _sessions(reader, as_of, is_quoted=quote is not None)
        since = since or session - DEALS_LOOK_BACK
        if since > session:
            raise StoryError(f"deals since {since} cannot be told on {session}, which is before")
        reader.known |= {
            "session": session,
            "prices_until": prices_until,
            "quote": quote,
            "since": since,
        }
        rating, re_rating, same_day = read_ratings(reader)
        consensus = read_consensus(reader)
        move = read_move(reader)
        technicals = read_technicals(reader)
        deals = read_deals(reader, since)
        capacity = read_capacity(reader)
        sites = read_sites(reader)
        balance_sheet = read_balance_sheet(reader)
        scenarios = read_scenarios(reader, quote if quote is not None else move.close if move else None)
        valuation = read_valuation(reader)
        return Story(
            symbol=symbol,
            company_name=company["company_name"] or symbol,
            asked_date=as_of,
            session=session,
            prices_until=prices_until,
            quote=quote,
            is_simulated=company["is_simulated"],
            move=move,
            rating=rating,
            re_rating=re_rating,
            same_day=same_day,
            consensus=consensus,
            technicals=technicals,
            deals=deals,
            capacity=capacity,
            sites=sites,
            scenarios=scenarios,
            valuation=valuation,
            balance_sheet=balance_sheet,
            gaps=(
                *_gaps(prices_until, move, rating, capacity, balance_sheet, scenarios, valuation),
                *_held_back(reader),
            ),
            notes=tuple(reader.notes),
        )


def _held_back(reader: Reader) -> list[Gap]:
    """The marts of which a newer version did not pass its checks."""
    held_back = reader.rows("select * from publication where held_back_since is not null order by table_name")
    return [
        Gap(
            f"New rows of {mart['table_name']}",
            f"held back since {mart['held_back_since']:%Y-%m-%d %H:%M} UTC because: {mart['held_back_why']}",
        )
        for mart in held_back
    ]


def _company(reader: Reader) -> Row:
    companies = reader.rows(
        """
        select
            symbol, company_name,
            -- the page also shows other instruments, so one simulated price makes it a simulated page
            coalesce((select bool_or(is_simulated) from dim_miners), false) as is_simulated
        from dim_miners where is_covered_company order by symbol
        """
    )
    for company in companies:
        if company["symbol"] == reader.known["symbol"]:
            return company
    known = ", ".join(company["symbol"] for company in companies)
    raise StoryError(f"{reader.known['symbol']!r} is not covered; known are {known}")


def _sessions(reader: Reader, as_of: date, *, is_quoted: bool) -> tuple[date, date]:
    """The session of the story, and the last one whose close was known then."""
    day = reader.row(
        """
        select
            (select max(session_date) from dim_sessions where session_date <= $as_of) as session,
            min(first_price_date) as first_price_date,
            max(last_price_date) as last_price_date
        from dim_miners where is_covered_company
        """,
        as_of=as_of,
    )
    if day is None or day["first_price_date"] is None:
        raise StoryError("the published file holds no price of any covered company")
    if day["session"] is None or day["session"] < day["first_price_date"]:
        raise StoryError(f"{as_of} is before the first session with prices, {day['first_price_date']}")
    if not is_quoted:
        session = min(day["session"], day["last_price_date"])
        return session, session
    if as_of > day["session"]:  # the exchange is closed, so the session's close is known
        return day["session"], day["session"]
    before = reader.row("select prior_session_date from dim_sessions where session_date = $as_of", as_of=as_of)
    return day["session"], (before or {})["prior_session_date"]


def _gaps(
    prices_until: date,
    move: Move | None,
    rating: Rating | None,
    capacity: Capacity | None,
    balance_sheet: BalanceSheet | None,
    scenarios: Sequence[Scenario],
    valuation: Valuation | None,
) -> list[Gap]:
    """Everything that is not complete, with the reason that its coverage column gives."""
    gaps = []
    if move is None:
        gaps.append(Gap("prices", "none is in the published file"))
    elif move.trade_date < prices_until:
        gaps.append(Gap("prices", f"the last one is of {move.trade_date}"))
    if rating is None:
        gaps.append(Gap("analyst notes", "none is known of the year before"))
    inputs: list[tuple[str, bool, str]] = []
    if capacity is None:
        gaps.append(Gap("firm contracts and sites", "none is known"))
    else:
        inputs += [
            (
                "contracted critical IT MW",
                capacity.contracted_critical_it_mw_is_complete,
                capacity.contracted_critical_it_mw_coverage,
            ),
            (
                "planned critical IT MW",
                capacity.planned_critical_it_mw_is_complete,
                capacity.planned_critical_it_mw_coverage,
            ),
            ("grid power, gross MW", capacity.gross_power_mw_is_complete, capacity.gross_power_mw_coverage),
            ("contracted revenue", capacity.contracted_revenue_is_complete, capacity.contracted_revenue_coverage),
        ]
    if balance_sheet is None:
        gaps.append(Gap("shares, debt, cash and bitcoin", "no report is known"))
    else:
        inputs += [
            ("shares outstanding", balance_sheet.shares_is_complete, balance_sheet.shares_coverage),
            ("net debt", balance_sheet.net_debt_is_complete, balance_sheet.net_debt_coverage),
            ("bitcoin held", balance_sheet.btc_is_complete, balance_sheet.btc_coverage),
        ]
    if valuation is not None and valuation.enterprise_value_usd is None:
        inputs.append(("enterprise value", valuation.enterprise_value_is_complete, valuation.enterprise_value_coverage))
    elif (  # where the MW themselves are not complete, that has been said
        valuation is not None
        and valuation.ev_per_critical_it_mw_usd is None
        and capacity is not None
        and capacity.contracted_critical_it_mw_is_complete
    ):
        ratio = valuation.ev_per_critical_it_mw_is_complete, valuation.ev_per_critical_it_mw_coverage
        inputs.append(("enterprise value per contracted critical IT MW", *ratio))
    gaps += [Gap(what, why) for what, is_complete, why in inputs if not is_complete]
    if not scenarios:
        gaps.append(Gap("a price of a critical IT MW", "none was published in the year before"))
    return gaps
