"""The API answers from the published file as of a day, in JSON and CSV, and refuses nonsense in words."""

from __future__ import annotations

import contextlib
import csv
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
import requests
import uvicorn

from bi.api.app import QUESTIONS, make_app

if TYPE_CHECKING:
    from conftest import Pipeline

DAY = "2025-11-24"


class Client:
    """Asks an API that runs in a thread, over a socket of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str, params: dict[str, object] | None = None) -> requests.Response:
        """What a reader gets."""
        return requests.get(self._address + path, params=params, timeout=60)

    def ask(self, method: str, path: str, headers: dict[str, str]) -> requests.Response:
        """What another page's script is told."""
        return requests.request(method, self._address + path, headers=headers, timeout=60)

    def post(self, path: str) -> requests.Response:
        """What a writer is told."""
        return requests.post(self._address + path, timeout=60)


@contextlib.contextmanager
def _served(database: Path) -> Iterator[Client]:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        place.listen()
        server = uvicorn.Server(uvicorn.Config(make_app(database), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        try:
            yield Client(f"http://127.0.0.1:{place.getsockname()[1]}")
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@pytest.fixture(scope="module")
def client(sample: Pipeline) -> Iterator[Client]:
    with _served(sample.settings.published_database) as client:
        yield client


@pytest.mark.parametrize("path", [question.path for question in QUESTIONS])
def test_every_question_answers_in_both_formats(client: Client, path: str) -> None:
    rows = client.get(f"/{path}", params={"as_of": DAY, "symbol": "clsk"}).json()
    assert {row["symbol"] for row in rows} == ({"CLSK"} if path not in ("deals", "first-power") else set())
    written = client.get(f"/{path}", params={"as_of": DAY, "symbol": "CLSK", "format": "csv"})
    assert written.headers["content-type"].startswith("text/csv")
    assert len(list(csv.reader(io.StringIO(written.text)))) == len(rows) + 1


def test_an_answer_is_what_the_macro_says(client: Client, sample: Pipeline) -> None:
    with duckdb.connect(str(sample.settings.published_database), read_only=True) as connection:
        said = connection.execute(
            f"select shares_outstanding from marts.mw_value('CLSK', '{DAY}', 13e6, 200)"
        ).fetchall()
    given = {"usd_per_mw": 13e6, "mw": 200, "as_of": DAY}
    assert [row["shares_outstanding"] for row in client.get("/mw-value/CLSK", params=given).json()] == [
        shares for (shares,) in said
    ]


def test_a_past_day_knows_nothing_later(client: Client) -> None:
    rows = client.get("/deals", params={"as_of": "2025-09-30"}).json()
    assert max(row["announced_date"] for row in rows) == "2025-09-25"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/deals?as_of=yesterday", 422),
        ("/deals?symbol=';drop", 422),
        ("/deals?format=xml", 422),
        ("/deal-flow?since=2025-12-01&until=2025-11-01", 422),
        ("/technicals/NOPE", 404),
        ("/picture/CLSK?quote=-1", 422),
        ("/technicals/CLSK?sessions=0", 422),
    ],
)
def test_nonsense_is_refused_in_words(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_openbb_finds_a_widget_for_every_question_and_flat_rows(client: Client) -> None:
    widgets = client.get("/widgets.json").json()
    assert widgets.keys() == {question.path for question in QUESTIONS}
    for widget in widgets.values():
        assert {"name", "description", "endpoint", "type"} <= widget.keys()
        given = {param["paramName"]: {"as_of": DAY, "symbol": "CLSK"}[param["paramName"]] for param in widget["params"]}
        rows = client.get(f"/{widget['endpoint']}", params=given).json()
        assert not [cell for row in rows for cell in row.values() if isinstance(cell, list | dict)]
    asked = {"Origin": "https://pro.openbb.co", "Access-Control-Request-Method": "GET"}
    for origin, allowed in ((asked["Origin"], asked["Origin"]), ("https://example.com", None)):
        answer = client.ask("OPTIONS", "/deals", asked | {"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_nothing_can_be_written(client: Client) -> None:
    assert client.post("/deals").status_code == 405
    assert client.post("/snapshot").status_code == 405


def test_without_a_file_it_says_what_to_run(tmp_path: Path) -> None:
    with _served(tmp_path / "none.duckdb") as client:
        answer = client.get("/snapshot")
    assert answer.status_code == 503
    assert "make run" in answer.json()["detail"]


def test_its_page_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/docs").text
    assert "swagger" in page
    assert "https://" not in page
    assert client.get("/openapi.json").json()["paths"].keys() >= {"/snapshot", "/deal-flow", "/mw-value/{symbol}"}
