"""What every page shares: the file, its answers, the day and miner asked for, and the head of the page.

Belongs here: reading the published file through a cache, what stands in the address, and what is said whenever
something is shown. Does not belong here: the contents of a page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import altair as alt
import duckdb
import pandas as pd
import pyarrow as pa
import streamlit as st

from bi import questions
from bi.charts import ChartError, themed
from bi.published import NotPublishedError, PublishedFile, Stamp, stamp_of
from dagster_project.settings import load_settings

NOT_KNOWN = "not known"
LOOK_AGAIN_SECONDS = 15
KEPT = ("as_of", "symbol")
"""What stands in the address of every page."""
WINDOWS = {"3 months": 63, "6 months": 126, "1 year": 252, "2 years": 504, "5 years": 1260}
"""Stretches of time by their number of exchange sessions."""
_STYLE = """<style>
[data-testid="stMetricValue"] {font-size: 1.5rem}
[data-testid="stMetricValue"] > div, [data-testid="stMetricDelta"], [data-testid="stMetricDelta"] * {
  white-space: normal !important; overflow: visible; text-overflow: clip; height: auto}
[data-testid="stMetric"] {height: 100%}
[data-testid="stHorizontalBlock"]:has(> * > [data-testid="stMetric"]) {align-items: stretch}
[data-testid="stMainBlockContainer"] {padding-top: 1.5rem; max-width: 1700px}
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p {color: inherit; opacity: .85}
[data-testid="stMetricDelta"] {color: inherit !important; opacity: .85}
.table {--ground: light-dark(#ffffff, #171614); --head: light-dark(#eef0f3, #262b33); overflow: auto;
  border: 1px solid rgba(128, 136, 146, .35); border-radius: 6px;
  background: linear-gradient(to right, var(--ground) 40%, transparent) left / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--ground) 40%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to right, rgba(128, 136, 146, .45), transparent) left / 1rem 100% no-repeat,
    linear-gradient(to left, rgba(128, 136, 146, .45), transparent) right / 1rem 100% no-repeat}
.table.tall {max-height: 46rem}
.table table {border-collapse: collapse; width: 100%; font-size: .82rem; line-height: 1.35;
  font-variant-numeric: tabular-nums}
.table th {text-align: left; vertical-align: bottom; font-weight: 600; position: sticky; top: 0; min-width: 4rem;
  background: var(--head)}
.table th, .table td {padding: .3rem .6rem; border-bottom: 1px solid rgba(128, 136, 146, .25); max-width: 26rem;
  overflow-wrap: break-word}
.table .n {text-align: right; white-space: nowrap} .table th.n {white-space: normal; min-width: 5rem}
.table .n .none {white-space: normal; display: inline-block; width: max-content; max-width: 8.5rem}
.table td[data-column$="_date"] {white-space: nowrap} .table td[data-column="counterparty"] {min-width: 9rem}
.table .long {min-width: 15rem}
.table .none {opacity: .8; font-style: italic} .table small {opacity: .85}
.table a, .said a {text-decoration: underline; color: inherit}
.table.wide table {width: max-content; min-width: 100%} .table.wide td {max-width: 16rem}
.table tr > .held {position: sticky; left: 0; background: var(--ground); z-index: 1}
.table th.held {background: var(--head); z-index: 2}
.said {font-size: .875rem; margin: 0}
</style>"""


@dataclass(frozen=True)
class Published:
    """The published file as it stood when the page began: an answer is kept as long as the file is the same."""

    database: Path
    stamp: Stamp

    def ask(self, question: Callable[..., pa.Table], *arguments: object) -> pd.DataFrame:
        """The answer to one of `bi.questions`, from the cache where this very file was asked before."""
        return _answer(question, question.__name__, str(self.database), self.stamp, *arguments)

    @property
    def published_at(self) -> datetime:
        """When the file was written, UTC."""
        return datetime.fromtimestamp(self.stamp[0] / 1e9, tz=UTC)


@st.cache_resource(show_spinner=False)
def _file(database: str) -> PublishedFile:
    return PublishedFile(Path(database))


@st.cache_data(show_spinner=False, max_entries=500)
def _answer(
    _question: Callable[..., pa.Table], name: str, database: str, stamp: Stamp, *arguments: object
) -> pd.DataFrame:
    del name, stamp  # with the arguments, what the answer is kept by
    answer: pd.DataFrame = _question(_file(database), *arguments).to_pandas()
    return answer


def guarded(show: Callable[[Published], None]) -> Callable[[], None]:
    """The page over the file of the settings; where there is none, or it does not fit, the page says what to do."""

    @wraps(show)
    def page() -> None:
        database = load_settings().published_database
        _watch(str(database))
        try:
            show(Published(database, stamp_of(database)))
        except NotPublishedError:
            st.title("Nothing is published yet")
            st.info(f"Run `make run` first: it writes `{database}`. This page shows it as soon as it is there.")
        except questions.EmptySnapshotError:
            st.title("Nothing to show")
            st.info("The published file knows no company. Run `make run` with prices of at least one.")
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            st.title("The published file does not fit")
            st.error("It was written by another version of Minehouse: run `make run` again.")
            st.code(str(error), language=None)

    return page


@st.fragment(run_every=LOOK_AGAIN_SECONDS)
def _watch(database: str) -> None:
    """Run the page again once the file or the theme is another: an open page goes on showing nothing old.

    The theme is the browser's, which may change by the hour; charts are drawn in its colours.
    """
    path = Path(database)
    now = stamp_of(path) if path.exists() else None, st.context.theme.type
    if st.session_state.setdefault("seen", now) != now:
        st.session_state["seen"] = now
        st.rerun()


def address(page: str, **values: object) -> str:
    """The address of a page with the day and miner of this one, unless others are given."""
    kept: dict[str, object] = {name: st.query_params[name] for name in KEPT if name in st.query_params}
    return f"{page}?{urlencode(kept | values)}"


def _asked(name: str) -> tuple[str | None, bool]:
    """What the address says, and whether a link or a hand put it there since the control last wrote it."""
    asked = st.query_params.get(name)
    return asked, asked != st.session_state.get(f"{name}_in_address")


def keep(name: str, value: str) -> None:
    """Write what a control says into the address."""
    if st.query_params.get(name) != value:
        st.query_params[name] = value
    st.session_state[f"{name}_in_address"] = value


def quoted(asked: str) -> str:
    """What stands in an address is repeated only where it can be nothing but a ticker or a day."""
    return f"`{asked}`" if re.fullmatch(r"[A-Za-z0-9.\-]{1,12}", asked) else "what the address asks for"


def choose_day(published: Published) -> date:
    """The session whose knowledge is asked for with `?as_of=`; the last one unless another is chosen.

    A day without a session stands for the one before. A day that had to be replaced is said in a notice.
    """
    first, last = published.ask(questions.sessions).iloc[0]
    state = st.session_state
    asked, is_new = _asked("as_of")
    notice = None
    wanted = last
    if asked:
        try:
            wanted = date.fromisoformat(asked)
        except ValueError:
            notice = f"{quoted(asked).capitalize()} is not a day written as YYYY-MM-DD"
    if not first <= wanted <= last:
        notice = f"{wanted} is {'before the first' if wanted < first else 'after the last'} session with prices"
        wanted = last if wanted > last else first
    # an open page that showed the last session goes on with the last one
    is_stale = state.get("as_of") == state.get("last_session") != last
    if "as_of" in state and (is_new or is_stale or state["as_of"] is None or not first <= state["as_of"] <= last):
        if is_stale and not is_new:
            notice = f"The published file now reaches to {last}"
            wanted = last
        del state["as_of"]
    state["last_session"] = last
    chosen = st.date_input(
        "Known on",
        value=wanted,
        min_value=first,
        max_value=last,
        key="as_of",
        format="YYYY-MM-DD",
        width=180,
        help="Facts announced later and prices after that session are left out.",
    )
    day = chosen if isinstance(chosen, date) else last
    keep("as_of", day.isoformat())
    session: date = published.ask(questions.session_of, day)["session_date"].iloc[0]
    if pd.isna(session):
        session = day
    if notice:
        st.session_state["notice"] = f"{notice}; this is {session}."
    elif session != day:
        st.session_state["notice"] = f"{day} has no session; this is what was known at the close of {session}."
    return session


def choose_symbol(snapshot: pd.DataFrame) -> str:
    """The company of `?symbol=`, else the one with a price of which most is known; a replaced one is said."""
    ranked = snapshot.assign(is_unpriced=snapshot["close"].isna()).sort_values(
        ["is_unpriced", "incomplete_inputs", "symbol"]
    )
    symbols: list[str] = snapshot["symbol"].tolist()
    wanted = str(ranked["symbol"].iloc[0])
    asked, is_new = _asked("symbol")
    if asked and asked.upper() in symbols:
        wanted = asked.upper()
    elif asked:
        st.session_state["unknown_symbol"] = quoted(asked)
    state = st.session_state
    if "symbol" in state and (is_new or state["symbol"] not in symbols):
        del state["symbol"]
    chosen = st.selectbox("Miner", symbols, index=symbols.index(wanted), key="symbol", width=130)
    keep("symbol", chosen)
    if name := st.session_state.pop("unknown_symbol", None):
        st.session_state["notice"] = f"No company is known as {name}; this is {chosen}."
    return chosen


class Opening:
    """The top of a page on one day: the head, and under it a row of controls that begins with the day.

    `session` is the day; more controls are put into `controls`. The head is said last, for its words may need them.
    """

    def __init__(self, published: Published) -> None:
        self._published = published
        self._head = st.container()
        self.controls = st.container(horizontal=True, vertical_alignment="bottom")
        with self.controls:
            self.session = choose_day(published)

    @property
    def snapshot(self) -> pd.DataFrame:
        """What was known of every company then."""
        return self._published.ask(questions.snapshot, self.session)

    def choose_company(self) -> pd.Series[Any]:
        """Let a company be chosen; its row of the snapshot."""
        snapshot = self.snapshot
        with self.controls:
            symbol = choose_symbol(snapshot)
        return snapshot[snapshot["symbol"] == symbol].iloc[0]

    def say(self, title: str, said: str = "What was known at the close of {:%d %B %Y}") -> None:
        """Write the head; `said` may name the day by a format of it."""
        with self._head:
            head(self._published, title, said.format(self.session))


def choose(key: str, title: str, options: list[str], default: str, *, width: int = 150) -> str:
    """One of the options, kept in the address as `?key=`; the default where the address names none of them."""
    asked, is_new = _asked(key)
    if key in st.session_state and (is_new or st.session_state[key] not in options):
        del st.session_state[key]
    chosen: str = st.selectbox(
        title, options, index=options.index(asked if asked in options else default), key=key, width=width
    )
    keep(key, chosen)
    return chosen


def choose_several(key: str, title: str, options: list[str], default: list[str]) -> list[str]:
    """Some of the options, kept in the address as `?key=A,B`; the default where the address names none of them."""
    asked, is_new = _asked(key)
    wanted = [name for name in (asked or "").split(",") if name in options] or default
    state = st.session_state
    if key in state and (is_new or not set(state[key]) <= set(options)):
        del state[key]
    chosen: list[str] = st.multiselect(title, options, default=wanted, key=key)
    keep(key, ",".join(chosen))
    return chosen


def slide(key: str, title: str, default: float, low: float, high: float, step: float, *, unit: str) -> float:
    """A number between two bounds, kept in the address as `?key=`; the default where the address holds none."""
    asked, is_new = _asked(key)
    try:
        wanted = float(asked) if asked else default
    except ValueError:
        wanted = default
    if not low <= wanted <= high:
        wanted = default
    if key in st.session_state and (is_new or not low <= st.session_state[key] <= high):
        del st.session_state[key]
    chosen: float = st.slider(f"{title}, {unit}", low, high, wanted, step, key=key, format="localized")
    keep(key, f"{chosen:.10g}")
    return chosen


def head(published: Published, title: str, said: str) -> None:
    """Title, the day of the data, notices, and a banner where prices are simulated."""
    st.html(_STYLE)
    st.title(title, anchor=False)
    st.caption(f"{said} · published file of {published.published_at:%d %b %Y %H:%M} UTC")
    if notice := st.session_state.pop("notice", None):
        st.warning(notice)
    held_back = published.ask(questions.held_back)
    if len(held_back):
        told = [
            f"- {', '.join(f'`{table}`' for table in of_one['table_name'])}: "
            f"held back since {since:%d %b %Y %H:%M} UTC because `{why}`"
            for (since, why), of_one in held_back.groupby(["held_back_since", "held_back_why"])
        ]
        st.error("\n".join(["A newer version did not pass its checks; the last good one is shown:", "", *told]))
    sources = published.ask(questions.price_sources)
    simulated = sources[sources["price_source"] == "sample"]
    if len(simulated):
        which = "All prices" if len(simulated) == len(sources) else f"Prices of {', '.join(simulated['symbol'])}"
        st.warning(
            f"**{which} are SIMULATED** (`price_source = 'sample'`), and so is every figure made from them: averages, "
            "levels, market and enterprise values, upsides. Deals, sites, ratings and balance sheets are sourced facts."
        )


def draw(
    chart: Callable[..., alt.LayerChart | alt.VConcatChart], *given: object, beside: int = 0, **options: object
) -> None:
    """Draw one of `bi.charts` as wide as there is room, or say that there is nothing to draw.

    Streamlit makes the panels of a chart of several as wide as the page and forgets their axes: `beside` is the room in
    pixels that these need.
    """
    try:
        spec = _spec(chart, chart.__name__, st.context.theme.type or "light", *given, **options)
    except ChartError as nothing:
        st.info(f"{NOT_KNOWN.capitalize()}: {nothing}.")
        return
    with st.container(key=f"{chart.__name__}_room"):
        st.html(f"<style>.st-key-{chart.__name__}_room {{padding-right: {beside}px}}</style>")
        st.vega_lite_chart(spec=spec, theme=None, width="stretch")


@st.cache_data(show_spinner=False, max_entries=200)
def _spec(
    _chart: Callable[..., alt.LayerChart | alt.VConcatChart], name: str, theme: str, *given: object, **options: object
) -> dict[str, Any]:
    del name  # with what is given, what the chart is kept by
    # tests look whether the charts are valid; a page has no time for it
    spec: dict[str, Any] = json.loads(themed(json.dumps(_chart(*given, **options).to_dict(validate=False)), theme))
    return spec
