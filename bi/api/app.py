"""The addresses of the API and what each asks of the published file.

Belongs here: one line per question. Does not belong here: a figure that a mart or macro gives, and how it is served.

An answer is that of the latest refresh (`bi.published.PublishedFile`). Only the questions below can be asked: no SQL
comes from outside.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import duckdb
import pyarrow as pa
import pyarrow.csv
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline

from bi import questions
from bi.api import openbb
from bi.published import NotPublishedError, PublishedFile
from dagster_project.engine import duckdb_config

AsOf = Annotated[date | None, Query(description="Day whose knowledge is asked for; the last session by default.")]
Symbol = Annotated[
    str | None, Query(description="Ticker of a company.", pattern=r"^[A-Za-z0-9.\-]{0,12}$", examples=["CLSK"])
]


class Format(StrEnum):
    """How an answer is written."""

    json = "json"
    flat = "flat"
    csv = "csv"


As = Annotated[
    Format, Query(alias="format", description="json (rows with their names), flat (the same, lists as texts) or csv.")
]


@dataclass(frozen=True)
class Question:
    """An address, what it answers, where from (`$as_of` is the day), and in which order."""

    path: str
    says: str
    relation: str
    order: str

    @property
    def sql(self) -> str:
        """The query; `$symbol` is the ticker, null for all."""
        return f"from {self.relation} where $symbol is null or symbol = $symbol order by {self.order}"


_MARKET, _COMPANY = "every company, or one of them", "one instrument"
"""The headings of the page."""
QUESTIONS = (
    Question("snapshot", "One row per company: price, rating, contracts, MW.", "miner_snapshot_asof($as_of)", "symbol"),
    Question("deals", "The contracts announced, with their sources.", "deals_asof($as_of)", "announced_date, deal_id"),
    Question("sites", "Reports on each site, gross and critical IT MW.", "sites_asof($as_of)", "symbol, site, recency"),
    Question(
        "ratings",
        "The analyst notes, and what the stock did after each as far as it was known.",
        "ratings_asof($as_of)",
        "rating_date desc, symbol, recency",
    ),
    Question("balance-sheets", "The latest shares, debt, cash and bitcoin known.", "capital_asof($as_of)", "symbol"),
    Question("capacity", "Contracted, planned, approved and live MW.", "capacity_asof($as_of)", "symbol"),
    Question(
        "capacity-funnel",
        "From approved power to live MW, stage by stage.",
        "capacity_funnel_asof($as_of)",
        "symbol, stage_number",
    ),
    Question(
        "first-power", "Stated days of first power.", "first_power_asof($as_of)", "symbol, energization_date, site"
    ),
    Question(
        "publications",
        "Published values per MW as USD per share: with what was known then, and on the day asked for.",
        "publications_asof($as_of)",
        "symbol, as_of_date desc, source_firm, business, usd_per_mw",
    ),
    Question(
        "consensus",
        "Price targets of the firms whose note is younger than a year, one row per session up to the day.",
        "(from fct_consensus_daily where trade_date <= $as_of)",
        "symbol, trade_date",
    ),
)
"""What is asked with a day and a ticker."""


def make_app(database: Path) -> FastAPI:
    """The API over that published file; its pages load nothing from anywhere else."""
    answers = _Answers(PublishedFile(database))
    app: FastAPI = FastAPIOffline(
        title="Minehouse",
        version="1",
        description=(
            "Read-only answers from the published marts. `as_of` asks what was known on that day; rows with "
            "`price_source = 'sample'` rest on simulated prices."
        ),
    )

    app.add_middleware(CORSMiddleware, allow_origins=[openbb.ORIGIN], allow_methods=["GET"], allow_private_network=True)

    @app.get("/widgets.json", include_in_schema=False)
    def widgets() -> dict[str, dict[str, Any]]:
        return openbb.widgets((question.path, question.says) for question in QUESTIONS)

    @app.exception_handler(NotPublishedError)
    def not_published(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, status_code=503)

    @app.get("/checks", tags=["quality"], summary="The last result of every check, failures first.")
    def checks(format: As = Format.json) -> Response:  # noqa: A002
        return answers.write(questions.data_quality(answers.published), format)

    for question in QUESTIONS:
        app.get(
            f"/{question.path}",
            tags=[_MARKET],
            summary=question.says,
            name=question.path,
            response_class=JSONResponse,
        )(_asked(answers, question))

    @app.get("/deal-flow", tags=[_MARKET], summary="Contracts announced between two days and what they add up to.")
    def deal_flow(
        since: date,
        until: Annotated[date | None, Query()] = None,
        format: As = Format.json,  # noqa: A002
    ) -> Response:
        until = until or answers.last_session()
        if since > until:
            raise HTTPException(422, f"since ({since}) lies after until ({until})")
        days: dict[str, object] = {"since": since, "until": until}
        return answers.write(answers.published.query("select * from deal_flow($since, $until)", days), format)

    @app.get(
        "/technicals/{symbol}", tags=[_COMPANY], summary="Daily bars and indicators of one instrument up to a day."
    )
    def technicals(
        symbol: str,
        as_of: AsOf = None,
        sessions: Annotated[int, Query(ge=1, le=5000, description="How many, the last ones.")] = 252,
        format: As = Format.json,  # noqa: A002
    ) -> Response:
        sql = """
        select * from (
            select * from fct_daily_technicals where symbol = $symbol and trade_date <= $as_of
            order by trade_date desc limit $sessions
        ) order by trade_date
        """
        return answers.find(sql, answers.given(symbol, as_of) | {"sessions": sessions}, f"no bar of {symbol}", format)

    @app.get(
        "/picture/{symbol}",
        tags=[_COMPANY],
        summary="The technical paragraph of a news article, at the close or at a quote.",
    )
    def picture(
        symbol: str,
        as_of: AsOf = None,
        quote: Annotated[float | None, Query(gt=0, lt=1e9, description="Price in USD in that session.")] = None,
        format: As = Format.json,  # noqa: A002
    ) -> Response:
        sql = "select * from technical_picture($symbol, $as_of, $quote)"
        return answers.find(sql, answers.given(symbol, as_of) | {"quote": quote}, f"no bar of {symbol}", format)

    @app.get(
        "/mw-value/{symbol}",
        tags=[_COMPANY],
        summary="What so many MW at so many dollars are worth per share on a day.",
    )
    def mw_value(
        symbol: str,
        usd_per_mw: Annotated[float, Query(gt=0, lt=1e12)],
        mw: Annotated[float, Query(gt=0, lt=1e6)],
        as_of: AsOf = None,
        format: As = Format.json,  # noqa: A002
    ) -> Response:
        sql = "select * from mw_value($symbol, $as_of, $usd_per_mw, $mw)"
        given = answers.given(symbol, as_of) | {"usd_per_mw": usd_per_mw, "mw": mw}
        return answers.find(sql, given, f"no company {symbol}", format)

    return app


class _Answers:
    """What is asked of the published file, written as it was asked for."""

    def __init__(self, published: PublishedFile) -> None:
        self.published = published
        self._writer = duckdb.connect(config=duckdb_config())

    def last_session(self) -> date:
        sql = "select max(as_of_session_date) as day from miner_snapshot"
        day: date | None = self.published.query(sql)["day"][0].as_py()
        if day is None:
            raise HTTPException(503, "the published snapshot is empty")
        return day

    def given(self, symbol: str | None, as_of: date | None) -> dict[str, Any]:
        """The ticker and the day as parameters of a query."""
        return {"symbol": symbol.upper() if symbol else None, "as_of": as_of or self.last_session()}

    def find(self, sql: str, given: dict[str, Any], nothing: str, how: Format) -> Response:
        """The answer; 404 and `nothing` where there is no row."""
        table = self.published.query(sql, given)
        if not table.num_rows:
            raise HTTPException(404, nothing)
        return self.write(table, how)

    def write(self, table: pa.Table, how: Format) -> Response:
        if how is Format.csv:
            written = io.BytesIO()
            pyarrow.csv.write_csv(_flat(table), written)
            return Response(written.getvalue(), media_type="text/csv; charset=utf-8")
        # DuckDB writes the JSON: dates as ISO texts, what is not known as null
        with self._writer.cursor() as cursor:
            cursor.register("answer", _flat(table) if how is Format.flat else table)
            ((text,),) = cursor.execute("select coalesce(to_json(list(answer)), '[]') from answer").fetchall()
        return Response(text, media_type="application/json")


def _asked(answers: _Answers, question: Question) -> Callable[..., Response]:
    def with_symbol(symbol: Symbol = None, as_of: AsOf = None, format: As = Format.json) -> Response:  # noqa: A002
        return answers.write(answers.published.query(question.sql, answers.given(symbol, as_of)), format)

    return with_symbol


def _flat(table: pa.Table) -> pa.Table:
    """Lists as texts, which CSV and tables have no other way to hold."""
    for place, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            texts = [None if value is None else "; ".join(map(str, value)) for value in table[place].to_pylist()]
            table = table.set_column(place, column.name, pa.array(texts, pa.string()))
    return table
