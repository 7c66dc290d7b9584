"""The fault matrix: what can be wrong with the input, which check must catch it, and what a reader may see.

Belongs here: reading the tables of faults beside this module, and trying them on the real gate, sources, loader and
dbt models. Does not belong here: the verdict (`test_faults`).

Many faults go into one batch, folder or warehouse, each with a row, file or company of its own, so that trying all of
them takes seconds and shows at the same time that none stops another.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import yaml
from dbt_server import run_dbt

from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import Batch
from dagster_project.contracts.curated import CURATED_CONTRACTS
from dagster_project.contracts.filings import FILING_CONTRACTS
from dagster_project.contracts.market import DAILY_PRICES, SESSIONS
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES
from dagster_project.engine import Engine
from dagster_project.gate.gate import judge
from dagster_project.sessions import exchange_sessions
from dagster_project.sources.base import SourceError
from dagster_project.sources.curated import CuratedFacts
from dagster_project.sources.prices.base import PriceRequest
from dagster_project.sources.prices.files import FilePrices
from dagster_project.warehouse.load import Load, create_tables, load

HERE = Path(__file__).parent
REPO = HERE.parents[1]
REFERENCE = REPO / "reference"
TODAY = dt.date(2030, 1, 1)
"""A day that lies behind every fact."""
LOADED_AT = dt.datetime(2026, 8, 21, 22)  # noqa: DTZ001 - load times are naive UTC
CONTRACTS = {
    contract.table: contract for contract in (*CURATED_CONTRACTS, *FILING_CONTRACTS, YAHOO_RATING_CHANGES, DAILY_PRICES)
}
FINDINGS = ("fct_price_findings", "fct_deal_findings", "fct_rating_findings", "fct_capital_findings")


@dataclass(frozen=True)
class Level:
    """Where a fault is tried, and what holds for all faults that are tried there."""

    caught_by: str
    severity: str
    still_loaded: str
    reader_sees: str


LEVELS = {
    "row": Level(
        "gate: quarantine_is_empty", "WARN", "all other rows", "the row as it stood before, or none; never this one"
    ),
    "odd": Level("dbt test", "WARN", "everything", "the row, and the finding in marts.fct_*_findings"),
    "series": Level("dbt test", "WARN", "everything", "the bars, and the finding in marts.fct_price_findings"),
    "price_file": Level(
        "source files: quarantine_is_empty", "WARN", "all other files", "the symbol as it stood before, or none"
    ),
    "reference_file": Level(
        "source curated: batch_is_accepted", "ERROR", "all other tables", "the table as it stood before"
    ),
    "load": Level("loader: batch_is_accepted", "ERROR", "all other symbols or tables", "what stood before"),
    "machine": Level("one sentence, exit 1", "ERROR", "what stood before", "the last publication"),
    "elsewhere": Level("", "ERROR", "what stood before", "the last publication"),
}


@dataclass(frozen=True)
class Fault:
    """One line of the matrix; `data` is what its level needs to try it."""

    name: str
    level: str
    kind: str
    change: str
    says: str
    data: dict[str, Any] = field(hash=False)

    @property
    def caught_by(self) -> str:
        """The check that must catch it."""
        said: str = self.data.get("caught_by", LEVELS[self.level].caught_by)
        if self.level in ("odd", "series"):
            return f"{said} {rules().get(self.says, self.says)}"
        return f"{said} ({self.says})" if self.is_tried_elsewhere else said

    @property
    def is_tried_elsewhere(self) -> bool:
        """Whether `says` names the test that tries it."""
        return self.level in ("load", "elsewhere")

    def promise(self, name: str) -> str:
        """What is said of it under `severity`, `still_loaded` or `reader_sees`: its own word, or that of its level."""
        return str(self.data.get(name, getattr(LEVELS[self.level], name)))


def faults() -> list[Fault]:
    """All faults of the tables beside this module."""
    found = [
        Fault(
            given["fault"],
            "row",
            "cell",
            f"{given['table']}: " + ", ".join(f"{name} = {cell!r}" for name, cell in given["cells"].items()),
            given["says"],
            given,
        )
        for given in yaml.safe_load((HERE / "cells.yaml").read_text(encoding="utf-8"))
    ]
    found.extend(
        Fault(given["fault"], given["level"], given["kind"], given["change"], str(given.get("says", "")), given)
        for given in yaml.safe_load((HERE / "faults.yaml").read_text(encoding="utf-8"))
    )
    names = [fault.name for fault in found]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    return found


# rows through the gate


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def _base(table: str, number: int) -> dict[str, str | None]:
    """A good row of the table with a key of its own."""
    day = dt.date(2015, 1, 1) + dt.timedelta(number)
    own: dict[str, dict[str, str | None]] = {
        "curated__companies": {
            "ticker": f"F{number}",
            "cik": f"{9_000_000_000 + number}",
            "company_name": f"Fault {number}",
        },
        "curated__peers": {"ticker": f"F{number}"},
        "curated__source_tiers": {"pattern": f"fault{number}.com"},
        "curated__symbol_changes": {"other_ticker": f"F{number}"},
        "curated__hpc_deals": {"deal_id": f"fault-{number}"},
        "curated__hpc_deals_as_announced": {"deal_id": f"fault-{number}"},
        "curated__sites_capacity": {"site": f"Fault {number}"},
        "curated__rating_changes": {"firm": f"Fault {number}"},
        "curated__rating_scale": {"rating": f"fault {_letters(number)}"},
        "curated__firm_aliases": {"alias": f"Fault {number}"},
        "curated__accepted_findings": {"rule": f"fault_{_letters(number)}"},
        "curated__mw_valuation_assumptions": {"source_firm": f"Fault {number}"},
        "curated__published_totals": {"publisher": f"Fault {number}"},
        "curated__capital_structure": {"as_of_date": f"{day}", "filed_date": f"{day + dt.timedelta(40)}"},
        "curated__filing_deadlines": {"filer_class": f"fault {number}"},
        "curated__lease_dcf_assumptions": {"parameter": "discount_rate", "value": f"{0.06 + number / 1e6:.6f}"},
        "edgar__capital_facts": {"accession": f"0000000001-25-{number:06d}"},
        "deal_candidates": {"candidate_id": f"0000000001-25-{number:06d}"},
        "yahoo__rating_changes": {"firm": f"Fault {number}"},
        "market__daily_prices": {"symbol": f"F{number}"},
    }
    return {**_GOOD_ROWS[table], **own.get(table, {})}


def _good_rows() -> dict[str, dict[str, str | None]]:
    rows: dict[str, dict[str, str | None]] = dict(yaml.safe_load((HERE / "good_rows.yaml").read_text(encoding="utf-8")))
    return {table: dict.fromkeys(CONTRACTS[table].column_names) | row for table, row in rows.items()}


_GOOD_ROWS = _good_rows()


def known() -> dict[str, frozenset[str]]:
    """The instruments that rows may refer to, those of the faults among them."""
    companies, peers = (
        frozenset(CuratedFacts(REFERENCE).fetch(CONTRACTS[table]).rows["ticker"].to_pylist())
        for table in ("curated__companies", "curated__peers")
    )
    companies |= {f"ODD{number}" for number in range(200)}
    return {"companies": companies, "instruments": companies | peers}


def _text_batch(contract: Contract, rows: list[dict[str, str | None]], file: str = "faults.csv") -> Batch:
    table = pa.table(
        {name: pa.array([row[name] or None for row in rows], pa.string()) for name in contract.column_names}
        | {"source_file": pa.array([file] * len(rows), pa.string()), "source_row": list(range(2, len(rows) + 2))}
    )
    return Batch("faults", table)


def try_rows(contract: Contract, tried: list[Fault]) -> dict[str, str]:
    """Judge one batch of a good row and all faulty ones: what the gate said of each fault, by name.

    Under the name `good rows` stands what it wrongly said of good ones.
    """
    rows = [_base(contract.table, 0)]
    owner: list[str] = ["good rows"]
    for number, fault in enumerate(tried, 1):
        for again in range(int(fault.data.get("times", 1))):
            changes = fault.data["cells"] if not again else fault.data["cells"] | fault.data.get("then", {})
            rows.append(_base(contract.table, number) | changes)
            owner.append(fault.name)
    judged = judge(_text_batch(contract, rows), contract, known(), TODAY)
    said: dict[str, str] = {}
    for reject in judged.rejects:
        assert reject.source_row is not None
        name = owner[reject.source_row - 2]
        said[name] = f"{said.get(name, '')} | {reject.reason}"
        assert (reject.reason + reject.record).isprintable(), "what is shown of a reject is harmless"
    return said


# files


def try_price_files(folder: Path, tried: list[Fault]) -> tuple[dict[str, str], list[str]]:
    """Put all faulty files and a good one into a folder and read it: the rejects by fault, and the symbols read."""
    days = exchange_sessions(dt.date(2025, 10, 31))["session_date"].to_pylist()[-30:]
    good = "Date,Open,High,Low,Close,Volume\n" + "".join(
        f"{day},{10 + at},{11 + at},{9 + at},{10.5 + at},1000\n" for at, day in enumerate(days)
    )
    for name in ("AAA.csv", "ZZZ.csv"):
        (folder / name).write_text(good)
    names: dict[str, str] = {}
    for fault in tried:
        name: bytes = (
            str(fault.data["file"]).encode("latin-1")
            if fault.data.get("raw_name")
            else os.fsencode(str(fault.data["file"]))
        )
        path = os.path.join(os.fsencode(folder), name)  # noqa: PTH118 - a name that is no text
        content = fault.data.get("content")
        if content == "folder":
            os.mkdir(path)  # noqa: PTH102
        elif content == "loop":
            os.symlink(path, path)  # noqa: PTH211
        else:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(_bytes(fault.data, good))
        names[os.fsdecode(name)] = fault.name
    batch = FilePrices(folder).fetch(PriceRequest(symbols=()))
    said: dict[str, str] = {}
    for reject in batch.rejects:
        shown = {_shown(name): fault for name, fault in names.items()}
        fault_name = shown.get(reject.source_file, "good rows")
        said[fault_name] = f"{said.get(fault_name, '')} | {reject.reason}"
    contract = CONTRACTS["market__daily_prices"]
    judged = judge(Batch("files", batch.rows), contract, {}, TODAY)
    for reject in judged.rejects:
        fault_name = {_shown(name): fault for name, fault in names.items()}.get(reject.source_file, "good rows")
        said[fault_name] = f"{said.get(fault_name, '')} | {reject.reason}"
    return said, sorted(set(judged.rows["symbol"].to_pylist()))


def _shown(name: str) -> str:
    from dagster_project.contracts.batch import visible

    return visible(name)


def _bytes(data: dict[str, Any], good: str) -> bytes:
    """What a faulty file holds: `content` as text, `hex` as bytes, or the good file, changed by `swap` and `cut`."""
    if "hex" in data:
        return bytes.fromhex(data["hex"])
    text = str(data.get("content", good))
    for old, new in data.get("swap", {}).items():
        assert old in text, old
        text = text.replace(old, new)
    raw = text.encode(data.get("encode", "utf-8"))
    if data.get("gzip"):
        import gzip

        raw = gzip.compress(raw)
    return raw[: int(data["cut"])] if "cut" in data else raw


def try_reference_file(folder: Path, fault: Fault) -> str:
    """Spoil one reference file and read it: what the source said, or nothing."""
    name = str(fault.data["file"])
    contract = CONTRACTS[f"curated__{name}"]
    path = folder / f"{name}.csv"
    if fault.data.get("content") == "folder":
        path.mkdir()
    elif fault.data.get("content") != "missing":
        path.write_bytes(_bytes(fault.data, (REFERENCE / f"{name}.csv").read_text(encoding="utf-8")))
    try:
        batch = CuratedFacts(folder).fetch(contract)
    except SourceError as error:
        return str(error)
    return " | ".join(reject.reason for reject in batch.rejects)


# a small warehouse


def _walk(symbol: str, days: list[dt.date], seed: int) -> dict[str, list[Any]]:
    """Bars that nobody traded: a calm walk around ten dollars, always the same."""
    rng = np.random.default_rng(seed)
    close = 10 * np.exp(np.cumsum(rng.normal(0, 0.02, len(days))))
    opened = close * np.exp(rng.normal(0, 0.005, len(days)))
    spread = 1 + np.abs(rng.normal(0, 0.01, len(days)))
    return {
        "symbol": [symbol] * len(days),
        "trade_date": list(days),
        "open": opened.tolist(),
        "high": (np.maximum(opened, close) * spread).tolist(),
        "low": (np.minimum(opened, close) / spread).tolist(),
        "close": close.tolist(),
        "volume": rng.integers(1_000_000, 2_000_000, len(days)).tolist(),
        "split_ratio": [None] * len(days),
        "dividend_usd": [None] * len(days),
        "price_basis": ["split_adjusted"] * len(days),
    }


def _scaled(bars: dict[str, list[Any]], factor: float, places: range) -> None:
    for name in ("open", "high", "low", "close"):
        for at in places:
            bars[name][at] *= factor


def _spoil(bars: dict[str, list[Any]], how: dict[str, Any]) -> dict[str, list[Any]]:
    """The bars with what the table says done to them."""
    count = len(bars["close"])
    if "scale_before" in how:
        _scaled(bars, how["scale_before"], range(200))
    if "scale_at" in how:
        at = how.get("at", 200)
        _scaled(bars, how["scale_at"], range(at, at + 1))
    if "close_only" in how:
        for name in ("open", "high", "low", "volume"):
            bars[name] = [None] * count
    if "split_ratio" in how:
        bars["split_ratio"][200] = how["split_ratio"]
    if "high_at" in how:
        bars["high"][200] *= how["high_at"]
    if "volume_at" in how:
        bars["volume"][200] = how["volume_at"]
    if how.get("repeat_at"):
        for name in ("open", "high", "low", "close", "volume"):
            bars[name][200] = bars[name][199]
    if how.get("flat_from"):
        for name in ("open", "high", "low", "close"):
            bars[name][200:] = [10.0] * (count - 200)
    if "volume_from" in how:
        bars["volume"][200:] = [int(volume * how["volume_from"]) for volume in bars["volume"][200:]]
    if "line_to" in how:
        first, last = bars["close"][200], bars["close"][200] * how["line_to"]
        for at in range(30):
            for name in ("open", "high", "low", "close"):
                bars[name][200 + at] = first + (last - first) * at / 30
    if "again_from" in how:
        for name in ("open", "high", "low", "close", "volume"):
            bars[name][200:220] = bars[name][how["again_from"] : how["again_from"] + 20]
    if how.get("closes_for_all"):
        for name in ("open", "high", "low"):
            bars[name] = list(bars["close"])
    if "days_later" in how:
        bars["trade_date"] = [day + dt.timedelta(how["days_later"]) for day in bars["trade_date"]]
    if "dividend_at" in how:
        bars["dividend_usd"][200] = how["dividend_at"]
    if "basis_from" in how:
        bars["price_basis"][200:] = [how["basis_from"]] * (count - 200)
    if "every" in how:
        bars = {name: cells[:: how["every"]] for name, cells in bars.items()}
    return bars


def _price_table(series: list[dict[str, list[Any]]]) -> pa.Table:
    cells: dict[str, list[Any]] = {name: [] for name in series[0]}
    for bars in series:
        for name, values in bars.items():
            cells[name] += values
    count = len(cells["symbol"])
    types = {
        "varchar": pa.string(),
        "date": pa.date32(),
        "double": pa.float64(),
        "bigint": pa.int64(),
        "boolean": pa.bool_(),
    }
    return pa.table(
        {
            column.name: pa.array(cells.get(column.name, [None] * count), types[column.type])
            for column in DAILY_PRICES.columns
        }
        | {"source_file": ["made up"] * count, "source_row": list(range(2, count + 2))}
    )


def companies_of(tried: list[Fault]) -> dict[str, str]:
    """By fault that is tried in the warehouse, the symbol of its own."""
    return {fault.name: f"ODD{number}" for number, fault in enumerate(tried)}


@dataclass(frozen=True)
class Tried:
    """A built warehouse: its findings that nobody accepted as (symbol, rule), and the tests that warned, by name."""

    findings: frozenset[tuple[str, str]]
    warned: frozenset[str]
    accepted: frozenset[tuple[str, str]]


def try_warehouse(workdir: Path, tried: list[Fault]) -> Tried:
    """Load the reference facts and prices with a company per fault, and build and test the findings."""
    symbols = companies_of(tried)
    days = exchange_sessions(dt.date(2026, 7, 31))["session_date"].to_pylist()[-320:]
    extra: dict[str, list[dict[str, str | None]]] = {}
    series = []
    for number, fault in enumerate(tried):
        symbol = symbols[fault.name]
        company = _base("curated__companies", number) | {"ticker": symbol} | fault.data.get("company", {})
        extra.setdefault("curated__companies", []).append(company)
        for at, row in enumerate(fault.data.get("rows", ())):
            table = row["table"] if "__" in row["table"] else f"curated__{row['table']}"
            owner = {"symbol" if CONTRACTS[table] in FILING_CONTRACTS else "ticker": symbol}
            cells = _base(table, 1000 * (at + 1) + number) | owner | row["cells"]
            extra.setdefault(table, []).append(
                {name: None if cell is None else str(cell) for name, cell in cells.items()}
            )
        how = fault.data.get("bars", {})
        series.append(_spoil(_walk(symbol, days, zlib.crc32(how.get("walk", fault.name).encode())), how))
    database = workdir / "build" / "warehouse.duckdb"
    database.parent.mkdir(parents=True)
    by = Load(LOADED_AT, "faults")
    with duckdb.connect(str(database)) as connection:
        for contract in CURATED_CONTRACTS:
            real = CuratedFacts(REFERENCE).fetch(contract)
            if more := extra.get(contract.table):
                added = _text_batch(contract, more)
                real = Batch(real.source, pa.concat_tables([real.rows, added.rows.select(real.rows.column_names)]))
            judged = judge(real, contract, known(), TODAY)
            assert not judged.rejects, judged.rejects
            load(connection, contract, judged, by)
        for contract in (*FILING_CONTRACTS, YAHOO_RATING_CHANGES):
            create_tables(connection, contract)
            if more := extra.get(contract.table):
                judged = judge(_text_batch(contract, more), contract, known(), TODAY)
                assert not judged.rejects, judged.rejects
                load(connection, contract, judged, by)
        calendar = exchange_sessions(dt.date(2026, 12, 31))
        count = calendar.num_rows
        origin = {"source_file": ["calendar"] * count, "source_row": list(range(2, count + 2))}
        for name, values in origin.items():
            calendar = calendar.append_column(name, pa.array(values))
        load(connection, SESSIONS, Batch("calendar", calendar), by)
        load(connection, DAILY_PRICES, Batch("files", _price_table(series)), by)
    results = _dbt(workdir, "build", *(f"+{name}" for name in FINDINGS))
    warned = {
        result["unique_id"].split(".")[2]
        for result in results
        if result["unique_id"].startswith("test.") and result["status"] != "pass"
    }
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            " union all ".join(f"select symbol, rule, is_accepted from marts.{name}" for name in FINDINGS)
        ).fetchall()
    return Tried(
        frozenset((symbol, rule) for symbol, rule, is_accepted in rows if not is_accepted),
        frozenset(warned),
        frozenset((symbol, rule) for symbol, rule, is_accepted in rows if is_accepted),
    )


def _dbt(
    workdir: Path, command: str, *selected: str, variables: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    project = os.environ.get("MINEHOUSE_FAULTS_DBT_DIR", str(REPO / "dbt"))
    database = str(workdir / "build" / "warehouse.duckdb")
    arguments = [
        "--no-use-colors", "--no-version-check",
        "--log-path", str(workdir / "logs"), command, "--project-dir", project, "--profiles-dir", project,
        "--target-path", str(workdir / "target"),
        *(("--exclude-resource-type", "unit_test") if command == "build" else ()),
        "--indirect-selection", "cautious",
        "--vars", json.dumps(variables or {}), "--select", *selected,
    ]  # fmt: skip
    code, said = run_dbt(arguments, Engine(data_dir=workdir).environment() | {"DBT_BUILD_DATABASE": database}, workdir)
    assert code == 0, said[-3000:]
    results: list[dict[str, Any]] = json.loads((workdir / "target" / "run_results.json").read_text())["results"]
    return results


@cache
def rules() -> dict[str, str]:
    """By rule of plausibility, the dbt test that warns of it."""
    found: dict[str, str] = {}
    for name in FINDINGS:
        (path,) = (REPO / "dbt" / "models").rglob(f"{name}.yml")
        (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        for test in model["data_tests"]:
            if isinstance(test, dict) and "nothing_found" in test:
                asked = test["nothing_found"]["arguments"]["rule"]
                found |= dict.fromkeys([asked] if isinstance(asked, str) else asked, test["nothing_found"]["name"])
    return found


def written(tried: list[Fault], outcomes: dict[str, str]) -> str:
    """The matrix as text, a line per fault, with what came of it."""
    width = max(len(fault.name) for fault in tried)
    lines = []
    for fault in tried:
        outcome = outcomes.get(fault.name, "not tried")
        lines.append(f"{outcome:9} {fault.promise('severity'):5} {fault.name:{width}}  {fault.caught_by}")
        lines.append(f"{'':16}change: {fault.change.encode('unicode_escape').decode()}")
        lines.append(
            f"{'':16}still loaded: {fault.promise('still_loaded')}; a reader sees: {fault.promise('reader_sees')}"
        )
    return "\n".join(lines)
