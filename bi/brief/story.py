"""The facts of one miner on one day, each with the place it was read from.

Belongs here: what is asked of the marts, and the rule of what could be known. Does not belong here: words, layout, and
a figure that a mart or macro gives.

**What could be known.** Without a quote the story is told after the close of its session. With a quote it is told
during that session: what was published that day is known, but of prices only those up to the close before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from bi.published import connect

Row = dict[str, Any]
DEALS_LOOK_BACK = timedelta(days=60)
"""How far back deals are told of where nothing else is asked for."""


class StoryError(ValueError):
    """The story asked for cannot be told; the message says why, in one line."""


@dataclass(frozen=True)
class Note:
    """Where a figure comes from: a table of the marts, what in it, and the page behind it if it has one."""

    number: int
    table: str
    what: str
    url: str | None


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


@dataclass(frozen=True)
class Deal:
    """A contract: whole, not the company's share; base term; None where the announcement does not say."""

    announced_date: date
    symbol: str
    counterparty: str | None
    deal_type: str
    site: str | None
    critical_it_mw: float | None
    gross_mw: float | None
    contract_value_usd: float | None
    term_years: float | None
    usd_per_critical_it_mw: float | None
    is_firm: bool
    note: int


@dataclass(frozen=True)
class Deals:
    """The contracts since a day and the sums over the firm ones that state the figure."""

    since: date
    rows: tuple[Deal, ...]
    companies: int
    contract_value_usd: float | None
    critical_it_mw: float | None
    without_value: int
    without_critical_it_mw: int
    own_deals: int
    own_contract_value_usd: float | None
    own_critical_it_mw: float | None
    note: int


@dataclass(frozen=True)
class Capacity:
    """What the company has at its share. Critical IT MW and gross MW are different things and are never added."""

    known_from_date: date
    deals: int
    contracted_critical_it_mw: float | None
    contracted_critical_it_mw_coverage: str
    contracted_critical_it_mw_is_complete: bool
    planned_critical_it_mw: float | None
    planned_critical_it_mw_coverage: str
    planned_critical_it_mw_is_complete: bool
    gross_power_mw: float | None
    gross_power_mw_coverage: str
    gross_power_mw_is_complete: bool
    energized_gross_mw: float | None
    contracted_revenue_usd: float | None
    contracted_revenue_coverage: str
    contracted_revenue_is_complete: bool
    note: int


@dataclass(frozen=True)
class Site:
    """The last report on one site (or the company total): grid power in gross MW, IT load in critical IT MW."""

    site: str
    is_company_total: bool
    known_date: date
    power_contracted_mw: float | None
    power_energized_mw: float | None
    critical_it_mw_planned: float | None
    critical_it_mw_contracted: float | None
    use: str | None
    energization_date: date | None
    note: int


@dataclass(frozen=True)
class BalanceSheet:
    """The latest figure of each kind that was known, with the day it stands for; USD and coins."""

    shares_outstanding: int | None
    shares_outstanding_as_of_date: date | None
    shares_coverage: str
    shares_is_complete: bool
    shares_note: int | None
    cash_usd: float | None
    cash_usd_as_of_date: date | None
    cash_note: int | None
    debt_usd: float | None
    debt_usd_as_of_date: date | None
    debt_note: int | None
    net_debt_usd: float | None
    net_debt_coverage: str
    net_debt_is_complete: bool
    btc_held: float | None
    btc_held_as_of_date: date | None
    btc_coverage: str
    btc_is_complete: bool
    btc_note: int | None


@dataclass(frozen=True)
class Valuation:
    """What the market paid at a close: USD and USD per MW of three kinds."""

    trade_date: date
    market_cap_usd: float | None
    enterprise_value_usd: float | None
    enterprise_value_coverage: str
    enterprise_value_is_complete: bool
    btc_value_usd: float | None
    ev_per_critical_it_mw_usd: float | None
    ev_per_planned_critical_it_mw_usd: float | None
    ev_per_gross_mw_usd: float | None
    contracted_critical_it_mw: float | None
    planned_critical_it_mw: float | None
    gross_power_mw: float | None
    note: int


@dataclass(frozen=True)
class Scenario:
    """A published price of a critical IT MW on the MW known, per share of the count known: the MW alone.

    `capacity_basis` is stated (the MW that the publication assumes), planned or contracted; value per share is None
    where the MW or the shares are not known. `against_price_pct` is that value against the quote or close.
    """

    as_of_date: date
    source_firm: str
    business: str
    is_for_company: bool
    scenario: str
    usd_per_mw: float
    critical_it_mw: float | None
    capacity_basis: str | None
    gross_value_usd: float | None
    value_per_share_usd: float | None
    against_price_pct: float | None
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


@dataclass
class _Reader:
    """One look at the published file for one miner and day, and the notes on what was read."""

    connection: duckdb.DuckDBPyConnection
    known: Row
    notes: list[Note] = field(default_factory=list)

    def rows(self, sql: str, **more: object) -> list[Row]:
        answer = self.connection.execute(sql, _used(sql, self.known | more))
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def row(self, sql: str, **more: object) -> Row | None:
        return next(iter(self.rows(sql, **more)), None)

    def cite(self, table: str, what: str, url: str | None = None) -> int:
        """The number of the note that says so; one page, or one table without a page, has one note."""
        for place, note in enumerate(self.notes):
            if (note.table, note.url) == (table, url) and (url or note.what == what):
                if what not in note.what.split("; "):
                    self.notes[place] = replace(note, what=f"{note.what}; {what}")
                return note.number
        self.notes.append(Note(len(self.notes) + 1, table, what, url))
        return len(self.notes)


def _used(sql: str, values: Row) -> Row:
    return {name: value for name, value in values.items() if f"${name}" in sql}


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
        reader = _Reader(connection, {"symbol": symbol})
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
        rating, re_rating, same_day = _ratings(reader)
        consensus = _consensus(reader)
        move = _move(reader)
        technicals = _technicals(reader)
        deals = _deals(reader, since)
        capacity = _capacity(reader)
        sites = _sites(reader)
        balance_sheet = _balance_sheet(reader)
        scenarios = _scenarios(reader, quote if quote is not None else move.close if move else None)
        valuation = _valuation(reader)
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
            gaps=tuple(_gaps(prices_until, move, rating, capacity, balance_sheet, scenarios, valuation)),
            notes=tuple(reader.notes),
        )


def _company(reader: _Reader) -> Row:
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


def _sessions(reader: _Reader, as_of: date, *, is_quoted: bool) -> tuple[date, date]:
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


def _move(reader: _Reader) -> Move | None:
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


_RATING = {field.name for field in fields(Rating)} - {"note"}


def _ratings(reader: _Reader) -> tuple[Rating | None, Rating | None, tuple[Rating, ...]]:
    """The last note, the last change of rating if that is another one, and its firm's other notes of the same day."""
    rows = reader.rows(
        """
        select
            symbol, rating_date, firm, action, from_rating, to_rating, price_target_prior, price_target_new,
            close_before, implied_upside_pct,
            -- with a quote the close of the session itself is not known
            case when return_1d_known_date <= $prices_until then return_1d_pct end as return_1d_pct,
            case when return_5d_known_date <= $prices_until then return_5d_pct end as return_5d_pct,
            case when return_21d_known_date <= $prices_until then return_21d_pct end as return_21d_pct,
            case when return_1d_known_date <= $prices_until then abnormal_return_1d_pct end as abnormal_return_1d_pct,
            case when return_5d_known_date <= $prices_until then abnormal_return_5d_pct end as abnormal_return_5d_pct,
            case when return_21d_known_date <= $prices_until then abnormal_return_21d_pct end
                as abnormal_return_21d_pct,
            source_url, is_rating_change, change_rank
        from ratings_asof($session)
        where is_in_force
        order by symbol, recency
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


def _consensus(reader: _Reader) -> Consensus | None:
    row = reader.row(
        """
        select trade_date, rated_firms, firms_with_target, mean_price_target, low_price_target, high_price_target
        from fct_consensus_daily where symbol = $symbol and trade_date = $session
        """
    )
    if row is None:
        return None
    return Consensus(**row, note=reader.cite("fct_consensus_daily", f"notes in force on {row['trade_date']}"))


def _technicals(reader: _Reader) -> Technicals | None:
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


def _deals(reader: _Reader, since: date) -> Deals:
    rows = reader.rows("select * from deal_flow($since, $session)")
    symbol = reader.known["symbol"]
    own = [row for row in rows if row["symbol"] == symbol]
    sums = reader.cite("deal_flow", f"{since} to {reader.known['session']}")
    names = (
        "announced_date symbol counterparty deal_type site critical_it_mw gross_mw contract_value_usd term_years "
        "usd_per_critical_it_mw is_firm"
    ).split()
    return Deals(
        since=since,
        rows=tuple(
            Deal(
                **{name: row[name] for name in names},
                note=reader.cite("deal_flow", f"{row['symbol']}, announced {row['announced_date']}", row["source_url"]),
            )
            for row in rows
        ),
        companies=rows[0]["all_companies"] if rows else 0,
        contract_value_usd=rows[0]["all_contract_value_usd"] if rows else None,
        critical_it_mw=rows[0]["all_critical_it_mw"] if rows else None,
        without_value=rows[0]["all_deals_without_value"] if rows else 0,
        without_critical_it_mw=rows[0]["all_deals_without_critical_it_mw"] if rows else 0,
        own_deals=own[0]["company_deals"] if own else 0,
        own_contract_value_usd=own[0]["company_contract_value_usd"] if own else None,
        own_critical_it_mw=own[0]["company_critical_it_mw"] if own else None,
        note=sums,
    )


def _capacity(reader: _Reader) -> Capacity | None:
    row = reader.row(
        """
        select
            known_from_date, deals, contracted_critical_it_mw, contracted_critical_it_mw_coverage,
            contracted_critical_it_mw_is_complete, planned_critical_it_mw, planned_critical_it_mw_coverage,
            planned_critical_it_mw_is_complete, gross_power_mw, gross_power_mw_coverage, gross_power_mw_is_complete,
            energized_gross_mw, contracted_revenue_usd, contracted_revenue_coverage, contracted_revenue_is_complete
        from capacity_asof($session)
        where symbol = $symbol
        """
    )
    if row is None:
        return None
    return Capacity(**row, note=reader.cite("capacity_asof", f"known since {row['known_from_date']}"))


def _sites(reader: _Reader) -> tuple[Site, ...]:
    rows = reader.rows(
        """
        select
            site, is_company_total, known_date, power_contracted_mw, power_energized_mw, critical_it_mw_planned,
            critical_it_mw_contracted, use, energization_date, source_url
        from sites_asof($session)
        where symbol = $symbol and recency = 1
        order by is_company_total, power_contracted_mw desc nulls last, site
        """
    )
    return tuple(
        Site(
            **{name: value for name, value in row.items() if name != "source_url"},
            note=reader.cite("sites_asof", f"{row['site']}, {row['known_date']}", row["source_url"]),
        )
        for row in rows
    )


def _balance_sheet(reader: _Reader) -> BalanceSheet | None:
    row = reader.row("select * from capital_asof($session) where symbol = $symbol")
    if row is None:
        return None

    def cited(figure: str, what: str) -> int | None:
        if row[figure] is None:
            return None
        return reader.cite("capital_asof", f"{what} of {row[f'{figure}_as_of_date']}", row[f"{figure}_source_url"])

    names = (
        "shares_outstanding shares_outstanding_as_of_date shares_coverage shares_is_complete cash_usd "
        "cash_usd_as_of_date debt_usd debt_usd_as_of_date net_debt_usd net_debt_coverage net_debt_is_complete btc_held "
        "btc_held_as_of_date btc_coverage btc_is_complete"
    )
    return BalanceSheet(
        **{name: row[name] for name in names.split()},
        shares_note=cited("shares_outstanding", "shares"),
        cash_note=cited("cash_usd", "cash"),
        debt_note=cited("debt_usd", "debt"),
        btc_note=cited("btc_held", "bitcoin"),
    )


def _scenarios(reader: _Reader, price: float | None) -> tuple[Scenario, ...]:
    """The last published prices of a critical IT MW of each firm and business, on the MW known on the day.

    Figures that do not say which MW they mean, and those for gross MW, meet no critical IT MW and are left out.
    """
    rows = reader.rows(
        """
        select
            as_of_date, source_firm, business, assumption_scope = 'company' as is_for_company, scenario, usd_per_mw,
            critical_it_mw, case when critical_it_mw is not null then capacity_basis end as capacity_basis,
            gross_value_usd, gross_value_per_share_usd as value_per_share_usd,
            100 * (gross_value_per_share_usd / $price - 1) as against_price_pct,
            source_url
        from scenarios_asof($session)
        where
            symbol = $symbol
            and assumption_type = 'valuation' and mw_basis = 'critical_it'
            and is_in_force and is_last_of_firm and is_first_choice
        order by as_of_date desc, source_firm, business desc, usd_per_mw
        """,
        price=price,
    )
    return tuple(
        Scenario(
            **{name: value for name, value in row.items() if name != "source_url"},
            note=reader.cite(
                "scenarios_asof",
                f"{row['source_firm']}, {row['as_of_date']}, on the MW and the shares known then",
                row["source_url"],
            ),
        )
        for row in rows
    )


def _valuation(reader: _Reader) -> Valuation | None:
    row = reader.row(
        """
        select
            trade_date, market_cap_usd, enterprise_value_usd, enterprise_value_coverage,
            enterprise_value_is_complete, btc_value_usd,
            ev_per_critical_it_mw_usd, ev_per_planned_critical_it_mw_usd, ev_per_gross_mw_usd,
            contracted_critical_it_mw, planned_critical_it_mw, gross_power_mw
        from fct_miner_valuation_daily where symbol = $symbol and trade_date <= $prices_until
        order by trade_date desc limit 1
        """
    )
    if row is None:
        return None
    return Valuation(**row, note=reader.cite("fct_miner_valuation_daily", f"at the close of {row['trade_date']}"))


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
        gaps.append(Gap("contracts and sites", "none is known"))
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
    gaps += [Gap(what, why) for what, is_complete, why in inputs if not is_complete]
    if not scenarios:
        gaps.append(Gap("a price of a critical IT MW", "none was published in the year before"))
    return gaps
