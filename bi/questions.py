"""The questions that the dashboard and the brief ask of the published file.

Belongs here: SQL over the marts, one function per question, every one of them as of a day. Does not belong here: a
figure that a mart could hold, what is done with an answer, and opening the file (`bi.published`).

`as_of` is the day whose knowledge is asked for: a fact that became known later, and a correction made later, is not in
the answer. Rows whose day of announcement is not known are in none.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from bi.published import PublishedFile


class EmptySnapshotError(ValueError):
    """The published file stands for no session: no company has a price."""


def sessions(published: PublishedFile) -> pa.Table:
    """The days that can be asked for: `first_session`, the first with a price of a company, and `last_session`.

    One row. The last is the session that the published snapshot stands for. Raises `EmptySnapshotError` and
    `bi.published.NotPublishedError`.
    """
    answer = published.query(
        """
        with snapshot as (
            select max(as_of_session_date) as last_session from miner_snapshot
        )

        select coalesce(min(dim_miners.first_price_date), any_value(snapshot.last_session)) as first_session,
            any_value(snapshot.last_session) as last_session
        from snapshot
        left join dim_miners on dim_miners.is_covered_company
        """,
    )
    if answer["last_session"][0].as_py() is None:
        raise EmptySnapshotError("the published snapshot is empty")
    return answer


def last_session(published: PublishedFile) -> date:
    """The session that the published snapshot stands for; raises as `sessions` does."""
    day: date = sessions(published)["last_session"][0].as_py()
    return day


def price_sources(published: PublishedFile) -> pa.Table:
    """Where prices come from: one row per symbol and `price_source`; sample means simulated."""
    return published.query("select distinct symbol, price_source from fct_daily_technicals order by all")


def session_of(published: PublishedFile, as_of: date) -> pa.Table:
    """The session whose close was the last one known on that day: one row, `session_date`, null before all of them."""
    return published.query(
        "select max(session_date) as session_date from dim_sessions where session_date <= $as_of",
        {"as_of": as_of},
    )


def snapshot(published: PublishedFile, session: date) -> pa.Table:
    """One row per company: `miner_snapshot`, with the consensus of that session and the value per share that heads it.

    `session` is a day with a close. The columns added are `mean_price_target`, `firms_with_target`,
    `consensus_upside_pct`, `consensus_last_date`, what `publications_asof` says of the range shown (`scenario_mw`,
    `scenario_mw_pct_of_power`, `scenario_is_fraction`, `scenario_shares_date`, and both upsides, null where the MW are
    a fraction of the company), and the days that the balance sheet stands for.
    """
    return published.query(
        """
        with headlines as (
            select
                symbol,
                max(now_mw) as scenario_mw,
                max(now_mw_pct_of_power) as scenario_mw_pct_of_power,
                bool_or(now_is_fraction_of_company) as scenario_is_fraction,
                max(now_shares_outstanding_as_of_date) as scenario_shares_date,
                max(source_tier) as scenario_source_tier,
                max(now_upside_pct) filter (where scenario = 'low') as low_upside_pct,
                max(now_upside_pct) filter (where scenario = 'high') as high_upside_pct
            from publications_asof($session)
            where is_headline
            group by symbol
        )

        select
            snapshot.* exclude (low_upside_pct, high_upside_pct),
            headlines.* exclude (symbol),
            consensus.mean_price_target,
            consensus.firms_with_target,
            consensus.implied_upside_pct as consensus_upside_pct,
            consensus.last_rating_date as consensus_last_date,
            capital.shares_outstanding_as_of_date,
            capital.debt_usd_as_of_date,
            capital.cash_usd_as_of_date,
            capital.btc_held_as_of_date,
            capital.shares_outstanding_source_url
        from miner_snapshot_asof($session) as snapshot
        left join headlines on snapshot.symbol = headlines.symbol
        left join fct_consensus_daily as consensus
            on
                snapshot.symbol = consensus.symbol
                and snapshot.as_of_session_date = consensus.trade_date
        left join capital_asof($session) as capital on snapshot.symbol = capital.symbol
        order by snapshot.symbol
        """,
        {"session": session},
    )


def bars(published: PublishedFile, symbol: str, as_of: date, sessions: int = 252) -> pa.Table:
    """One row per exchange session, oldest first, up to the symbol's last bar: open, high, low, close, averages, RSI.

    A session without a bar has a row of nulls, so that a halt is seen as a gap. Prices in USD, `rsi_14` 0 to 100.
    """
    return published.query(
        """
        with own as (
            select * from fct_daily_technicals where symbol = $symbol and trade_date <= $as_of
        ),

        calendar as (
            select session_date as trade_date from dim_sessions
            union
            -- what trades every day has its own calendar
            select trade_date from own
        )

        select
            calendar.trade_date, own.open, own.high, own.low, own.close, own.volume, own.change_pct,
            own.sma_50, own.sma_200, own.rsi_14, own.price_source
        from calendar
        left join own on calendar.trade_date = own.trade_date
        where calendar.trade_date between (select min(trade_date) from own) and (select max(trade_date) from own)
        qualify row_number() over (order by calendar.trade_date desc) <= $sessions
        order by calendar.trade_date
        """,
        {"symbol": symbol, "as_of": as_of, "sessions": sessions},
    )


def levels(published: PublishedFile, symbol: str, as_of: date, each: int = 2) -> pa.Table:
    """The nearest `each` supports and resistances known at the symbol's last close; `level_price` in USD."""
    return published.query(
        """
        select level_type, level_rank, level_price, distance_pct, touches, strength, first_touch_date, last_touch_date
        from fct_price_levels
        where
            symbol = $symbol
            and level_rank <= $each
            and trade_date = (
                select max(trade_date) from fct_daily_technicals where symbol = $symbol and trade_date <= $as_of
            )
        order by level_price desc
        """,
        {"symbol": symbol, "as_of": as_of, "each": each},
    )


def technical_picture(published: PublishedFile, symbol: str, as_of: date) -> pa.Table:
    """The technical paragraph of a news article, at the last close: one row, or none where the symbol has no bar."""
    return published.query(
        "select * from technical_picture($symbol, $as_of, null)",
        {"symbol": symbol, "as_of": as_of},
    )


def ratings(published: PublishedFile, as_of: date, symbol: str | None = None) -> pa.Table:
    """The analyst notes known, latest first, of one company or of all; price targets in USD."""
    return published.query(
        """
        select
            symbol, rating_date, firm, action, from_rating, to_rating,
            price_target_prior, price_target_new, target_change_pct, source_url, source_tier
        from ratings_asof($as_of)
        where $symbol is null or symbol = $symbol
        order by rating_date desc, symbol, recency
        """,
        {"as_of": as_of, "symbol": symbol},
    )


def deals(published: PublishedFile, as_of: date, symbol: str | None = None) -> pa.Table:
    """The contracts announced, oldest first, of one company or of all.

    `cumulative_contract_value_usd` and `cumulative_critical_it_mw` add up the firm ones of that company, or of all,
    that state the figure (whole contracts, cloud included). `business` is cloud, or colocation for every rent of space
    and power.
    """
    return published.query(
        """
        select
            deal_id, announced_date, symbol, counterparty, deal_type, commitment, site, is_firm, is_comparable_lease,
            business, critical_it_mw, gross_mw, contract_value_usd, term_years,
            coalesce(usd_per_critical_it_mw, cloud_usd_per_critical_it_mw) as usd_per_critical_it_mw,
            usd_per_critical_it_mw_year, is_outlier,
            case when $symbol is null then sector_cumulative_contract_value_usd else cumulative_contract_value_usd end
                as cumulative_contract_value_usd,
            case when $symbol is null then sector_cumulative_critical_it_mw else cumulative_critical_it_mw end
                as cumulative_critical_it_mw,
            source_url, source_name, source_tier
        from deals_asof($as_of)
        where $symbol is null or symbol = $symbol
        order by announced_date, deal_id
        """,
        {"as_of": as_of, "symbol": symbol},
    )


def deal_totals(published: PublishedFile, as_of: date) -> pa.Table:
    """What all companies have signed: firm contracts, their sums in USD and critical IT MW, and how many state each.

    One row: `firm_deals`, `contract_value_usd`, `deals_with_value`, `critical_it_mw` and `deals_with_critical_it_mw`;
    no row where no contract is known.
    """
    return published.query(
        """
        select distinct
            all_firm_deals as firm_deals,
            all_contract_value_usd as contract_value_usd,
            all_firm_deals - all_deals_without_value as deals_with_value,
            all_critical_it_mw as critical_it_mw,
            all_firm_deals - all_deals_without_critical_it_mw as deals_with_critical_it_mw
        from deal_flow(null, $as_of)
        """,
        {"as_of": as_of},
    )


def sites(published: PublishedFile, symbol: str, as_of: date) -> pa.Table:
    """The reports on each site, the latest first: contracted and live power in gross MW, planned and leased IT MW."""
    return published.query(
        """
        select
            site, is_company_total, state_or_country, known_date, power_contracted_mw, power_energized_mw,
            critical_it_mw_planned, critical_it_mw_contracted, use, owner_share_pct, energization_date, source_url,
            source_tier, notes
        from sites_asof($as_of)
        where symbol = $symbol
        order by is_company_total desc, site, recency
        """,
        {"symbol": symbol, "as_of": as_of},
    )


def publications(published: PublishedFile, symbol: str, session: date) -> pa.Table:
    """Published values per MW believed on that day as USD per share, latest first.

    Each has what was known on its own day (`then_*`) and what is known at the close of `session` (`now_*`); where
    a value is null, the coverage says why. `is_headline` marks the range that the snapshot shows.
    """
    return published.query(
        "select * from publications_asof($session) where symbol = $symbol",
        {"symbol": symbol, "session": session},
    )


def data_quality(published: PublishedFile) -> pa.Table:
    """The last result of every check, failures first, the severe ones before the others."""
    return published.query(
        """
        select checked_at, layer, table_name, check_name, check_title, tool, severity, passed, failing_rows, observed
        from data_quality_results
        qualify row_number() over (partition by table_name, check_name order by checked_at desc, run_id) = 1
        order by passed, severity, layer, table_name, check_name
        """,
    )


def held_back(published: PublishedFile) -> pa.Table:
    """The marts whose last good version is shown in place of a newer one: name, since when (UTC), why."""
    return published.query(
        """
        select table_name, held_back_since, held_back_why from publication
        where held_back_since is not null
        order by table_name
        """,
    )


def coverage(published: PublishedFile) -> pa.Table:
    """Per company and input on the last day of the mart: whether it is complete, why not, which fact fills it."""
    return published.query(
        """
        select symbol, as_of_date, input, is_complete, coverage, missing_fact
        from coverage_by_company
        where as_of_date = (select max(as_of_date) from coverage_by_company)
        order by is_complete, symbol, input
        """,
    )


def freshness(published: PublishedFile) -> pa.Table:
    """How far each kind of fact reaches: kind, rows, `first_date`, `last_date`."""
    return published.query(
        """
        select 'Prices of covered companies' as kind, count(*) as rows,
            min(trade_date) as first_date, max(trade_date) as last_date
        from fct_daily_technicals
        where symbol in (select symbol from dim_miners where is_covered_company)
        union all
        select 'Prices of other instruments', count(*), min(trade_date), max(trade_date)
        from fct_daily_technicals
        where symbol not in (select symbol from dim_miners where is_covered_company)
        union all
        select 'Deals', count(*), min(announced_date), max(announced_date) from fct_hpc_deals
        union all
        select 'Rating changes', count(*), min(rating_date), max(rating_date) from fct_rating_changes
        union all
        select 'Site reports', count(*), min(known_date), max(known_date) from fct_site_capacity
        union all
        select 'Balance sheets', count(*), min(known_date), max(known_date) from fct_capital_structure
        union all
        select 'Published values per MW', count(*), min(as_of_date), max(as_of_date) from fct_mw_assumptions_history
        where is_current
        """,
    )


def quality_history(published: PublishedFile) -> pa.Table:
    """One row per run that checked something, latest first: checks, and how many failed, the severe ones apart."""
    return published.query(
        """
        select
            max(checked_at) as checked_at,
            count(*) as checks,
            count(*) filter (where not passed and severity = 'ERROR') as failed_severe,
            count(*) filter (where not passed and severity <> 'ERROR') as failed_worth_a_look
        from data_quality_results
        group by run_id
        order by checked_at desc
        """,
    )


def instruments(published: PublishedFile) -> pa.Table:
    """What has prices, or could have: symbol, company_name, instrument_type, is_covered_company, has_prices."""
    return published.query(
        """
        select symbol, company_name, instrument_type, is_covered_company, has_prices from dim_miners
        order by is_covered_company desc, symbol
        """,
    )


def session_back(published: PublishedFile, session: date, sessions: int) -> pa.Table:
    """The session so many sessions before that one, or the first there is: one row, `session_date`."""
    return published.query(
        """
        select min(session_date) as session_date from (
            select session_date from dim_sessions where session_date <= $session
            order by session_date desc limit $sessions + 1
        )
        """,
        {"session": session, "sessions": sessions},
    )


def price_comparison(published: PublishedFile, since: date, until: date, symbols: tuple[str, ...]) -> pa.Table:
    """The closes of those symbols between two days, the first of each made 100; oldest first."""
    return published.query(
        """
        select * from price_comparison($since, $until) where list_contains($symbols, symbol)
        order by trade_date, symbol
        """,
        {"since": since, "until": until, "symbols": list(symbols)},
    )


def price_returns(published: PublishedFile, since: date, until: date) -> pa.Table:
    """What each instrument returned between two days, its volatility and its deepest fall, in percent."""
    return published.query(
        "select * from price_returns($since, $until) order by symbol", {"since": since, "until": until}
    )


def price_correlation(published: PublishedFile, since: date, until: date, symbols: tuple[str, ...]) -> pa.Table:
    """How the returns of those symbols went together: one row per pair, both ways round."""
    return published.query(
        """
        select * from price_correlation($since, $until)
        where list_contains($symbols, symbol) and list_contains($symbols, other_symbol)
        order by symbol, other_symbol
        """,
        {"since": since, "until": until, "symbols": list(symbols)},
    )


def valuation_history(published: PublishedFile, symbol: str, since: date, until: date) -> pa.Table:
    """EV per MW and consensus of one company as known at each close, with their percentile bands; oldest first."""
    return published.query(
        "select * from valuation_history($symbol, $since, $until) order by measure, trade_date",
        {"symbol": symbol, "since": since, "until": until},
    )


def capacity_funnel(published: PublishedFile, as_of: date) -> pa.Table:
    """The stages from approved power to live MW of every company: one row per company and stage."""
    return published.query("select * from capacity_funnel_asof($as_of) order by symbol, stage_number", {"as_of": as_of})


def first_power(published: PublishedFile, as_of: date, symbol: str) -> pa.Table:
    """The sites of one company with a stated day of first power, in the order of those days."""
    return published.query(
        "select * from first_power_asof($as_of) where symbol = $symbol order by energization_date, site",
        {"as_of": as_of, "symbol": symbol},
    )


def lease_economics(published: PublishedFile, as_of: date) -> pa.Table:
    """What a critical IT MW of each lease earns, costs and is worth by its terms of that day, for each set of rates."""
    return published.query("select * from lease_economics_asof($as_of)", {"as_of": as_of})


def value_worksheet(
    published: PublishedFile,
    symbol: str,
    as_of: date,
    usd_per_mw: float,
    mw: float,
    net_debt_usd: float | None = None,
    btc_held: float | None = None,
    btc_close: float | None = None,
    dilution_pct: float | None = None,
) -> pa.Table:
    """The value per share as a sum of its parts; None takes what was known on the day, and no dilution. One row."""
    return published.query(
        """
        select * from value_worksheet(
            $symbol, $as_of, $usd_per_mw, $mw, $net_debt_usd, $btc_held, $btc_close, $dilution_pct
        )
        """,
        {
            "symbol": symbol,
            "as_of": as_of,
            "usd_per_mw": usd_per_mw,
            "mw": mw,
            "net_debt_usd": net_debt_usd,
            "btc_held": btc_held,
            "btc_close": btc_close,
            "dilution_pct": dilution_pct,
        },
    )
