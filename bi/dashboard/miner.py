"""The miner page: one company on one day, with the source of every figure and what is missing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
from markupsafe import Markup

from bi import charts, questions
from bi.dashboard import sector, tables
from bi.dashboard.frame import NOT_KNOWN, WINDOWS, Opening, Published, choose, draw
from bi.wording import in_words

RATINGS = {
    "rating_date": tables.day("Day"),
    "source_url": tables.source(),
    "firm": tables.text("Firm"),
    "action": tables.code("What"),
    "from_rating": tables.text("From"),
    "to_rating": tables.text("To"),
    "price_target_prior": tables.usd("Target before", "none given"),
    "price_target_new": tables.usd("Target after", "none given"),
    "target_change_pct": tables.pct("Change", "–"),
}
SITES = {
    "site": tables.text("Site"),
    "source_url": tables.source(),
    "known_date": tables.day("Reported"),
    "use": tables.code("Use", "not stated"),
    "power_contracted_mw": tables.number("Contracted power, gross MW", missing="not stated"),
    "power_energized_mw": tables.number("Live power, gross MW", missing="not stated"),
    "critical_it_mw_planned": tables.number("Planned critical IT MW", missing="not stated"),
    "critical_it_mw_contracted": tables.number("Leased critical IT MW", missing="not stated"),
    "energization_date": tables.day("First power", "not stated"),
    "owner_share_pct": tables.number("Company's share, %"),
    "notes": tables.text("Notes", "none"),
}
PUBLICATIONS = {
    "as_of_date": tables.day("Published"),
    "source_url": tables.source(),
    "source_firm": tables.text("Firm"),
    "business": tables.code("Business"),
    "scenario": tables.text("Scenario"),
    "usd_per_mw": tables.usd_m("Per MW"),
    "mw_basis": tables.code("MW are"),
    "then_mw": tables.number("MW then"),
    "then_value_per_share_usd": tables.usd("A share then"),
    "then_close": tables.usd("Close then"),
    "then_upside_pct": tables.pct("Upside then", lambda row: _no_upside(row, "then")),
    "now_capacity_basis": tables.code("Which MW now"),
    "now_mw": tables.number("MW now"),
    "now_mw_pct_of_power": tables.number("of the power, %"),
    "now_shares_outstanding_as_of_date": tables.day("Shares of"),
    "now_value_per_share_usd": tables.usd("A share now"),
    "now_upside_pct": tables.pct("Upside now", lambda row: _no_upside(row, "now")),
    "now_scenario_coverage": tables.text("Coverage now"),
}
LEVELS = {
    "level_type": tables.code("Level"),
    "level_price": tables.usd("Price"),
    "distance_pct": tables.pct("From the close"),
    "touches": tables.number("Touches"),
    "first_touch_date": tables.day("First touch"),
    "last_touch_date": tables.day("Last touch"),
}


def show(published: Published) -> None:
    """The page."""
    opening = Opening(published)
    row = opening.choose_company()
    session, symbol = opening.session, str(row["symbol"])
    with opening.controls:
        window = WINDOWS[choose("chart", "Chart", list(WINDOWS), "1 year")]
        is_log = choose("scale", "Scale", ["linear", "logarithmic"], "linear") == "logarithmic"
    opening.say(f"{row['company_name'] or symbol} ({symbol})")
    if not row["price_is_complete"]:
        st.info(f"Price: {row['price_coverage']}.")
    _headlines(published, row, session)
    ratings = published.ask(questions.ratings, session, symbol)
    levels = published.ask(questions.levels, symbol, session)
    deals = published.ask(questions.deals, session, symbol)
    _prices(published.ask(questions.bars, symbol, session, window), levels, ratings, deals, row, is_log)
    _publications(published.ask(questions.publications, symbol, session), row)
    columns = {name: column for name, column in sector.DEALS.items() if name != "symbol"}
    _table("HPC deals", deals.iloc[::-1], columns, "No contract of this company was seen by then")
    sites = published.ask(questions.sites, symbol, session)
    _table("Sites", sites, SITES, "Not known: no report on a site was seen by then")
    _table("Analyst notes", ratings, RATINGS, "Not known: no analyst note was seen by then")
    _missing(row)


def _no_upside(row: tables.Row, when: str) -> str:
    return "a part of the company" if row[f"{when}_is_fraction_of_company"] else NOT_KNOWN


def _headlines(published: Published, row: pd.Series[Any], session: date) -> None:
    picture = published.ask(questions.technical_picture, row["symbol"], session)
    close = picture.iloc[0] if len(picture) else None
    price_date = "" if _is_missing(row["price_date"]) else f"{row['price_date']:%d %b %Y}"
    with st.container(horizontal=True):
        _metric(
            "Close, USD",
            row["close"],
            "{:,.2f}",
            _said(row["change_pct"], "{:+.1f} %"),
            colour="normal",
            help=price_date,
        )
        for days in (50, 200):
            _metric(
                f"SMA {days}, USD", row[f"sma_{days}"], "{:,.2f}", _said(row[f"pct_vs_sma_{days}"], "close {:+.1f} %")
            )
        _metric("RSI 14", row["rsi_14"], "{:.1f}", row["rsi_zone"])
        for title, name, beyond in (
            ("Support, USD", "nearest_support", "none below"),
            ("Resistance, USD", "nearest_resistance", "none above"),
        ):
            level = None if close is None else close[name]
            touches = None if close is None else _said(close[f"{name}_touch_dates"], "Touched {}")
            _metric(
                title,
                level,
                "{:,.2f}",
                None if close is None else _said(close[f"{name}_pct"], "{:+.1f} %"),
                help=touches,
                missing=NOT_KNOWN if close is None else beyond,
            )
        _metric("52-week high, USD", row["high_52w"], "{:,.2f}", _said(row["pct_from_52w_high"], "close {:+.1f} %"))
    with st.container(horizontal=True):
        shares = _said(row["shares_outstanding_as_of_date"], "shares of {:%d %b %Y}")
        _metric("Market cap, USD bn", row["market_cap_usd"] / 1e9, "{:,.2f}", shares, help=row["shares_coverage"])
        _metric(
            "EV, USD bn",
            row["enterprise_value_usd"] / 1e9,
            "{:,.2f}",
            _said(row["debt_usd_as_of_date"], "debt of {:%d %b %Y}"),
            help=row["enterprise_value_coverage"],
        )
        _metric(
            "Critical IT MW",
            row["contracted_critical_it_mw"],
            "{:,.0f}",
            "contracted",
            help="Contracted: " + row["contracted_critical_it_mw_coverage"],
            missing="no contract seen" if row["deals"] == 0 else NOT_KNOWN,
            width=225,
        )
        _metric(
            "EV per critical IT MW",
            row["ev_per_critical_it_mw_usd"] / 1e6,
            "USD {:,.1f} m",
            "contracted",
            missing="no contract seen" if row["deals"] == 0 else "no ratio",
            why=row["ev_per_critical_it_mw_coverage"],
            width=240,
        )
        firms = 0 if _is_missing(row["firms_with_target"]) else int(row["firms_with_target"])
        aged = _said(row["consensus_last_date"], "last note {:%d %b %Y}")
        _metric(
            "Target of one firm, USD"
            if firms == 1
            else f"Mean target of {firms} firms, USD"
            if firms
            else "Target, USD",
            row["mean_price_target"],
            "{:,.2f}",
            _said(row["consensus_upside_pct"], "{:+.1f} %, " + (aged or "")),
            help="Firms whose last note is younger than a year",
            missing="no target seen",
            width=250,
        )
        _metric("Value a share, USD", worth(row), "{}", worth_against(row), help=row["scenario_coverage"], width=250)
    if old := sector.outdated(row.to_dict()):
        st.badge(f"Balance sheet {old}", color="orange")
    _sources(row)


def worth(row: pd.Series[Any]) -> str | None:
    """The value per share that heads the page, low to high."""
    low, high = row["low_value_per_share_usd"], row["high_value_per_share_usd"]
    return None if _is_missing(low) or _is_missing(high) else f"{low:,.2f} to {high:,.2f}"


def worth_against(row: pd.Series[Any]) -> str | None:
    """That value against the close; not where its MW are a part of the company."""
    if row["scenario_is_fraction"]:
        return f"{row['scenario_mw_pct_of_power']:.0f} % of the power: no upside"
    if _is_missing(row["low_upside_pct"]) or _is_missing(row["high_upside_pct"]):
        return None
    return f"{row['low_upside_pct']:+.0f} to {row['high_upside_pct']:+.0f} %"


def _sources(row: pd.Series[Any]) -> None:
    """The pages behind the tiles, in one line."""
    said = []
    if worth(row) is not None:
        firm, day, mw = row["scenario_source_firm"], row["scenario_as_of_date"], row["scenario_mw"]
        basis = in_words(row["scenario_capacity_basis"])
        shares = _said(row["scenario_shares_date"], ", shares of {:%d %b %Y}")
        said.append(
            Markup("Value a share: {} on {:,.0f} critical IT MW ({}){}").format(
                tables.link(row["scenario_source_url"], f"{firm}, {day:%d %b %Y}"), mw, basis, shares
            )
        )
    if not _is_missing(row["last_rating_source_url"]):
        note = f"{row['last_rating_firm']}, {row['last_rating_date']:%d %b %Y}"
        said.append(Markup("Last note: {}").format(tables.link(row["last_rating_source_url"], note)))
    if not _is_missing(row["shares_outstanding_source_url"]):
        counted = f"{row['shares_outstanding']:,.0f} on {row['shares_outstanding_as_of_date']:%d %b %Y}"
        said.append(Markup("Shares: {}").format(tables.link(row["shares_outstanding_source_url"], counted)))
    if said:
        st.html(Markup('<p class="said">{}</p>').format(Markup(" · ").join(said)))


def _metric(
    title: str,
    value: object,
    shape: str,
    said: str | None = None,
    *,
    colour: str = "off",
    help: object = None,  # noqa: A002
    missing: str = NOT_KNOWN,
    why: str | None = None,
    width: int = 178,
) -> None:
    """A tile; one without a value says `missing`, and below it `why`."""
    known = not _is_missing(value)
    below = said if known else why
    st.metric(
        title,
        shape.format(value) if known else missing,
        None if _is_missing(below) else below,
        "normal" if colour == "normal" else "off",
        delta_arrow="auto" if colour == "normal" else "off",
        help=None if _is_missing(help) or not help else str(help),
        border=True,
        width=width,
    )


def _is_missing(value: object) -> bool:
    return tables.is_missing(value)


def _said(value: object, shape: str) -> str | None:
    return None if _is_missing(value) else shape.format(value)


def _prices(
    bars: pd.DataFrame,
    levels: pd.DataFrame,
    ratings: pd.DataFrame,
    deals: pd.DataFrame,
    row: pd.Series[Any],
    is_log: bool,
) -> None:
    st.subheader("Price, averages, levels, notes, deals", anchor=False)
    st.caption(
        "One place per exchange session: an empty place is a session without a bar. S1, S2, R1, R2: the nearest "
        "supports and resistances known at the last close. Above the price: analyst notes and firm deals. Hover for "
        "figures; drag to move; hold shift and turn the wheel to zoom; double-click for all."
    )
    if bars.empty:
        st.info("No price is known.")
        return
    target = None if _is_missing(row["mean_price_target"]) else float(row["mean_price_target"])
    draw(
        charts.miner_chart,
        bars,
        levels,
        ratings,
        deals,
        beside=80,
        width=1000,
        target=target,
        target_of="target of one firm" if row["firms_with_target"] == 1 else "mean target",
        is_log=is_log,
    )
    if len(levels):
        with st.expander("Levels"):
            tables.show(levels, LEVELS, caption="Supports and resistances")


def _publications(publications: pd.DataFrame, row: pd.Series[Any]) -> None:
    st.subheader("What published values per MW come to per share", anchor=False)
    if publications.empty:
        st.info("No published value per MW was known then.")
        return
    st.caption(
        "The last publication of each firm that is younger than a year: its USD per MW times the company's MW, over "
        "its shares, by the meaning of the publication (equity: no debt taken off, no coins added). Filled: with what "
        "is known on this day; hollow: with what was known on the day of the publication. The dashed line is the close."
    )
    is_drawn = publications["is_in_force"] & publications["is_last_of_firm"]
    draw(
        charts.publication_chart,
        publications[is_drawn & (publications["assumption_type"] == "valuation")],
        row["close"],
        is_simulated=row["price_source"] == "sample",
    )
    with st.expander(f"All {len(publications)} rows, then and now, with what is missing"):
        tables.show(publications, PUBLICATIONS, caption="Published values per MW, then and now")


def _table(title: str, rows: pd.DataFrame, columns: dict[str, tables.Column], nothing: str) -> None:
    st.subheader(title, anchor=False)
    if rows.empty:
        st.info(f"{nothing}.")
    else:
        st.caption(f"{tables.primary_sources(rows).capitalize()}.")
        tables.show(rows, columns, caption=title)


def _missing(row: pd.Series[Any]) -> None:
    st.subheader("What is missing", anchor=False)
    names = [str(name).removesuffix("_coverage") for name in row.index if str(name).endswith("_coverage")]
    coverage = pd.DataFrame(
        [(name, row[f"{name}_coverage"], row[f"{name}_is_complete"]) for name in names],
        columns=["input", "coverage", "is_complete"],
    )
    is_whole = coverage["is_complete"].astype(bool)
    st.caption(f"{(~is_whole).sum()} of {len(coverage)} inputs and figures are not complete.")
    order = is_whole.sort_values(kind="stable").index
    tables.show(
        coverage.loc[order, ["input", "coverage"]],
        {"input": tables.code("Input or figure"), "coverage": tables.text("What is known")},
        caption="Inputs and figures, those that are not complete first",
    )
