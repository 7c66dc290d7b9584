"""What every page shares: the file, its answers, the day asked for, and the head of the page.

Belongs here: reading the published file through a cache, and what is said whenever something is shown. Does not belong
here: the contents of a page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import altair as alt
import duckdb
import pandas as pd
import pyarrow as pa
import streamlit as st

from bi import questions
from bi.charts import ChartError
from bi.published import NotPublishedError
from dagster_project.settings import load_settings

NOT_KNOWN = "not known"
LOOK_AGAIN_SECONDS = 15
_STYLE = """<style>
[data-testid="stMetricValue"] {font-size: 1.5rem}
[data-testid="stMainBlockContainer"] {padding-top: 4rem}
</style>"""
Stamp = tuple[int, int, int]


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


def stamp_of(database: Path) -> Stamp:
    """What tells this file from the one that replaces it: time of writing, inode, size.

    Raises `NotPublishedError` where there is no file.
    """
    try:
        stat = database.stat()
    except FileNotFoundError:
        raise NotPublishedError(f"{database} is not there yet") from None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


@st.cache_data(show_spinner=False, max_entries=500)
def _answer(
    _question: Callable[..., pa.Table], name: str, database: str, stamp: Stamp, *arguments: object
) -> pd.DataFrame:
    del name, stamp  # with the arguments, what the answer is kept by
    answer: pd.DataFrame = _question(Path(database), *arguments).to_pandas()
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
    """Run the page again once the file is another: an open page goes on showing nothing old."""
    path = Path(database)
    now = stamp_of(path) if path.exists() else None
    if st.session_state.setdefault("stamp", now) != now:
        st.session_state["stamp"] = now
        st.rerun()


def choose_day(published: Published) -> date:
    """The day whose knowledge is asked for, `?as_of=` in the address; the last session unless another is chosen."""
    first, last = published.ask(questions.sessions).iloc[0]
    state = st.session_state
    stale = state.get("as_of") == state.get("last_session") != last
    if "as_of" in state and (stale or not (first <= state["as_of"] <= last)):
        del state["as_of"]
    state["last_session"] = last
    chosen = st.date_input(
        "Known on",
        value=last,
        min_value=first,
        max_value=last,
        key="as_of",
        bind="query-params",
        required=True,
        format="YYYY-MM-DD",
        width=180,
        help="Facts announced later and prices after that session are left out.",
    )
    return chosen if isinstance(chosen, date) else last


def head(published: Published, title: str, said: str) -> None:
    """Title, the day of the data, and a banner where prices are simulated."""
    st.html(_STYLE)
    st.title(title)
    st.caption(f"{said} · published file of {published.published_at:%d %b %Y %H:%M} UTC")
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
        spec = _spec(chart, chart.__name__, *given, **options)
    except ChartError as nothing:
        st.info(f"{NOT_KNOWN.capitalize()}: {nothing}.")
        return
    with st.container(key=f"{chart.__name__}_room"):
        st.html(f"<style>.st-key-{chart.__name__}_room {{padding-right: {beside}px}}</style>")
        st.vega_lite_chart(spec=spec, theme=None, width="stretch")


@st.cache_data(show_spinner=False, max_entries=200)
def _spec(
    _chart: Callable[..., alt.LayerChart | alt.VConcatChart], name: str, *given: object, **options: object
) -> dict[str, Any]:
    del name  # with what is given, what the chart is kept by
    # tests look whether the charts are valid; a page has no time for it
    spec: dict[str, Any] = _chart(*given, **options).to_dict(validate=False)
    return spec
