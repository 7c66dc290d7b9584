"""Builds the asset of a raw table: fetches a batch, judges it, loads it, and reports what happened.

Belongs here: what all feeds share, and what a person wants to see of a load. Does not belong here: which source feeds
which table (the modules beside this one), how a source reads (`sources`), what is allowed (`contracts`), how rows are
written (`warehouse.load`).
"""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import dagster as dg

from dagster_project.assets import groups
from dagster_project.assets.freshness import within_days
from dagster_project.assets.preview import markdown_table
from dagster_project.calls import Call, call_directly
from dagster_project.contracts import curated
from dagster_project.contracts.base import Contract
from dagster_project.contracts.batch import Batch, KeptOut, how_many, kept_out, visible
from dagster_project.gate.gate import BAD_ROWS, GOOD_ROWS, judge, judge_fetched
from dagster_project.progress import heard
from dagster_project.sources.base import NothingToLoadError, SourceError
from dagster_project.transform.sources_yml import OWNER
from dagster_project.warehouse.load import LOAD_COLUMNS, Load, LoadError, LoadReport, load
from dagster_project.warehouse.quality import CheckRecord, append_check_records
from dagster_project.warehouse.resource import CurrentRows, Warehouse

_MAX_LISTED = 20
_NO_CHECKS: Mapping[str, str] = MappingProxyType({})


def _no_results(batch: Batch | None, report: LoadReport | None, refusal: str) -> Iterator[dg.AssetCheckResult]:  # noqa: ARG001
    return iter(())


@dataclass(frozen=True)
class LoadPolicy:
    """How a batch is brought in.

    `allow_shrink` lets it replace a much larger one, `allow_rewrite` change most of a history that stands; `call` says
    in which process it is judged, and read if that takes no network. `docs_dir` receives Great Expectations' page on
    the batch, `scratch_dir` its rows on their way from there, the system's folder for such files if None.
    """

    allow_shrink: bool = False
    allow_rewrite: bool = False
    docs_dir: Path | None = None
    scratch_dir: Path | None = None
    call: Call = call_directly


@dataclass(frozen=True)
class Feed:
    """How one raw table is fed.

    `origin` says where the rows come from, in a sentence.
    `essential`: without rows in it nothing downstream makes sense, so an empty table blocks. `exclusive`: rows of
    another source never stand beside this source's. `freshness` makes the policy by which Dagster calls it stale.
    `may_be_empty`: no rows is nothing to worry about. `takes_away`: its rows keep something out of answers, so that one
    that cannot be read would let it in: a reject blocks.
    """

    contract: Contract
    date_column: str | None
    kinds: frozenset[str]
    origin: str
    essential: bool = False
    exclusive: bool = False
    freshness: Callable[[], dg.FreshnessPolicy] = within_days
    may_be_empty: bool = False
    takes_away: bool = False


def raw_asset(
    feed: Feed, deps: list[dg.AssetKey] | tuple[()], more_checks: Mapping[str, str] = _NO_CHECKS
) -> Callable[..., dg.AssetsDefinition]:
    """The asset of a raw table: its key, what is shown of it, and the checks that every load answers."""
    key = dg.AssetKey(["raw", feed.contract.table])
    return dg.asset(
        key=key,
        deps=deps,
        group_name=groups.INGEST,
        description=_description(feed),
        kinds=feed.kinds | {"duckdb"},
        owners=[OWNER],
        tags={"layer": "raw"},
        freshness_policy=feed.freshness(),
        metadata={
            "dagster/table_name": f"warehouse.raw.{feed.contract.table}",
            "dagster/column_schema": _column_schema(feed.contract),
            "quarantine": f"rows that break the contract wait, with why, in quarantine.{feed.contract.table}",
        },
        check_specs=[
            dg.AssetCheckSpec(
                "batch_is_accepted",
                asset=key,
                description="The source delivered, not sharply less than what stands, and no history that contradicts "
                "most of it. If not: the old rows stand.",
            ),
            dg.AssetCheckSpec(
                "quarantine_is_empty",
                asset=key,
                blocking=feed.takes_away,
                description="No row of this batch broke the contract. If one did: it waits in quarantine, with why."
                + (" What it keeps out of answers would stand in them, so this one blocks." if feed.takes_away else ""),
            ),
            dg.AssetCheckSpec(
                "rows_stand_once",
                asset=key,
                blocking=feed.essential,
                description=("One row per key." if feed.may_be_empty else "The table holds rows, one per key.")
                + (" Nothing downstream makes sense without them, so this one blocks." if feed.essential else ""),
            ),
            *(dg.AssetCheckSpec(name, asset=key, description=meaning) for name, meaning in more_checks.items()),
        ],
    )


def _description(feed: Feed) -> str:
    return (
        f"{feed.contract.description}\n\n{feed.origin}\n\nEvery version of a row is kept: those with an empty "
        "`valid_to` stand, and an as-of query sees the others."
    )


def _column_schema(contract: Contract) -> dg.TableSchema:
    """The contract's columns, then those that the loader adds."""
    own = [
        dg.TableColumn(
            column.name,
            column.type,
            description=column.description,
            constraints=dg.TableColumnConstraints(nullable=not column.required),
        )
        for column in contract.columns
    ]
    added = [dg.TableColumn(name, kind, description=description) for name, kind, description in LOAD_COLUMNS]
    key = dg.TableConstraints(other=[f"one standing row per {', '.join(contract.key)}"])
    return dg.TableSchema(columns=[*own, *added], constraints=key)


def ingest_batch(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    feed: Feed,
    fetch: Callable[..., Batch],
    *,
    known: Mapping[str, frozenset[str]],
    policy: LoadPolicy,
    is_local: bool = False,
    more_results: Callable[[Batch | None, LoadReport | None, str], Iterator[dg.AssetCheckResult]] = _no_results,
) -> dg.MaterializeResult:
    """Fetch, judge and load; where that is refused, what stood before stands, and the result says why.

    A source that is switched off, or has nothing new, is no failure: the result says so in `status`. With `is_local`
    the fetch needs no network and can be pickled: it runs in the process that judges, and takes whom to hand its rows
    over to.
    """
    contract = feed.contract
    fetched_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    report: LoadReport | None = None
    kept: Mapping[str, KeptOut] = {}
    refusal = status = ""
    batch: Batch | None = None
    page = policy.docs_dir / f"{contract.table}.html" if policy.docs_dir else None
    with contextlib.ExitStack() as opened:
        try:
            with heard(context.log.info):
                if is_local:
                    room = opened.enter_context(_room(policy.scratch_dir))
                    batch = policy.call(judge_fetched, fetch, contract, known, today(), room, page)
                else:
                    batch = policy.call(judge, fetch(), contract, known, today(), page=page)
            kept = batch.kept_out
            for line in (*batch.remarks, *_listed(contract, kept)):
                context.log.warning(line)
            by = Load(
                fetched_at,
                context.run_id,
                policy.allow_shrink,
                policy.allow_rewrite,
                retire_other_sources=feed.exclusive,
            )
            connection = opened.enter_context(warehouse.write())
            append_check_records(connection, list(_gate_records(contract, batch, by)))
            report = load(connection, contract, batch, by)
            for line in _withdrawals(report):
                context.log.warning(line)
            refusal = "; ".join(f"{group}: {why}" for group, why in report.refused.items())
        except NothingToLoadError as nothing:
            status, kept = str(nothing), kept_out(nothing.rejects)
        except (SourceError, LoadError) as error:
            refusal = visible(str(error))
        if refusal:
            context.log.error(f"refused, what stood before stands still: {refusal}")
        current = warehouse.current_rows(contract, feed.date_column)
    return dg.MaterializeResult(
        metadata={
            **({"status": status} if status else {}),
            **({"remarks": dg.MetadataValue.md(_as_list(batch.remarks))} if batch and batch.remarks else {}),
            **dict(_metadata(contract, report, kept, current)),
        },
        check_results=[*_check_results(feed, kept, refusal, current), *more_results(batch, report, refusal)],
    )


@contextlib.contextmanager
def _room(folder: Path | None) -> Iterator[Path]:
    """A folder for the rows of a batch, whose files are gone in the end; one run at a time uses it."""
    with contextlib.ExitStack() as opened:
        if folder is None:
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for name in (GOOD_ROWS, BAD_ROWS):
            opened.callback((folder / name).unlink, missing_ok=True)
        yield folder


def _withdrawals(report: LoadReport) -> Iterator[str]:
    """What a person must hear of rows that a snapshot holds no more."""
    if report.withdrawn_keys:
        listed = "; ".join(report.withdrawn_keys[:_MAX_LISTED])
        more = len(report.withdrawn_keys) - _MAX_LISTED
        yield (
            f"{len(report.withdrawn_keys)} rows are in the file no more and were withdrawn (put a row back and it "
            f"stands again): {listed}{f'; and {more} more' if more > 0 else ''}"
        )
    if report.withdrawn_keys and report.added:
        yield (
            f"{report.added} rows were added in the same load: where one is a withdrawn row under another key, "
            "look at answers about days before today, in which both may stand"
        )
    if report.kept_back:
        yield (
            f"{report.kept_back} rows are in the file no more, but a row whose key is wrong or cannot be read may be "
            "one of them: all of them stand until that row is mended"
        )


def _gate_records(contract: Contract, judged: Batch, by: Load) -> Iterator[CheckRecord]:
    """What the gate asked of the batch, as records; the rejects say which rows failed."""
    for check in judged.checks:
        yield CheckRecord(
            run_id=by.run_id,
            checked_at=by.fetched_at,
            layer="raw",
            table_name=contract.table,
            check_name=check.name,
            tool=check.tool,
            severity=dg.AssetCheckSeverity.WARN.value,
            passed=not check.failing_rows,
            failing_rows=check.failing_rows,
            observed=None,
            check_title=check.name,
        )


def _metadata(
    contract: Contract,
    report: LoadReport | None,
    kept: Mapping[str, KeptOut],
    current: CurrentRows,
) -> Iterator[tuple[str, dg.MetadataValue]]:
    yield "dagster/row_count", dg.MetadataValue.int(current.rows)
    for name in ("added", "changed", "withdrawn", "unchanged"):
        yield f"rows_{name}", dg.MetadataValue.int(getattr(report, name) if report else 0)
    if report and report.withdrawn_keys:
        yield "withdrawn", dg.MetadataValue.text("; ".join(report.withdrawn_keys))
    yield "rows_kept_back", dg.MetadataValue.int(report.kept_back if report else 0)
    yield "rows_quarantined", dg.MetadataValue.int(how_many(kept))
    if current.first_date and current.last_date:
        yield "first_date", dg.MetadataValue.text(current.first_date.isoformat())
        yield "last_date", dg.MetadataValue.text(current.last_date.isoformat())
    if kept:
        yield "quarantine", dg.MetadataValue.md(_as_list(_listed(contract, kept)))
    yield "preview", dg.MetadataValue.md(markdown_table(current.last_loaded))


def _check_results(
    feed: Feed, kept: Mapping[str, KeptOut], refusal: str, current: CurrentRows
) -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(
        check_name="batch_is_accepted",
        passed=not refusal,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"refusal": refusal or "none"},
    )
    yield dg.AssetCheckResult(
        check_name="quarantine_is_empty",
        passed=not kept,
        severity=dg.AssetCheckSeverity.ERROR if feed.takes_away else dg.AssetCheckSeverity.WARN,
        metadata={"failing_rows": how_many(kept), "observed": "; ".join(_listed(feed.contract, kept)) or "none"},
    )
    yield dg.AssetCheckResult(
        check_name="rows_stand_once",
        passed=(current.rows > 0 or feed.may_be_empty) and current.duplicate_keys == 0,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "failing_rows": current.duplicate_keys,
            "rows": current.rows,
            "observed": f"{current.rows} rows stand, {current.duplicate_keys} share a key",
        },
    )


def _listed(contract: Contract, kept: Mapping[str, KeptOut]) -> list[str]:
    """A line for each file with rejects: its first row with the reason, how many more, and how to see them."""
    lines = []
    for file, of_file in list(kept.items())[:_MAX_LISTED]:
        first = of_file.first
        line = f"{file}{'' if first.source_row is None else f' row {first.source_row}'}: {first.reason}"
        if of_file.count > 1:
            quoted = file.replace("'", "''")
            line += (
                f" (and {of_file.count - 1} more of this file: from quarantine.{contract.table} "
                f"where source_file = '{quoted}')"
            )
        lines.append(line)
    if len(kept) > _MAX_LISTED:
        lines.append(f"and {len(kept) - _MAX_LISTED} more files, all in quarantine.{contract.table}")
    return lines


def _as_list(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def today() -> dt.date:
    """The day in UTC."""
    return dt.datetime.now(dt.UTC).date()


def other_tickers(warehouse: Warehouse) -> dict[str, tuple[str, ...]]:
    """By the ticker that the warehouse keeps, the others of the same company."""
    found: dict[str, tuple[str, ...]] = {}
    for other in sorted(warehouse.current_values(curated.SYMBOL_CHANGES, "other_ticker")):
        for kept in warehouse.current_values(curated.SYMBOL_CHANGES, "ticker", where=("other_ticker", other)):
            found[kept] = (*found.get(kept, ()), other)
    return found
