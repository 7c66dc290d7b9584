"""Defines the raw table of daily prices.

Belongs here: what is asked of the price source, and the checks that only prices have. Does not belong here: how a
source reads (`sources.prices`), the run configuration (`assets.ingest.selection`).
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import dagster as dg

from dagster_project.assets.freshness import after_every_close
from dagster_project.assets.ingest.raw_table import Feed, LoadPolicy, ingest_batch, other_tickers, raw_asset, today
from dagster_project.assets.ingest.selection import PriceSelection, SelectionError
from dagster_project.contracts import curated, market
from dagster_project.contracts.batch import Batch
from dagster_project.sources.prices.base import OVERLAP, CurrentBar, PriceRequest, PriceSource
from dagster_project.sources.prices.files import FilePrices
from dagster_project.sources.prices.files.folder import folder_state
from dagster_project.warehouse.load import LoadReport
from dagster_project.warehouse.resource import Warehouse

PRICES_FEED = Feed(
    market.DAILY_PRICES,
    "trade_date",
    frozenset({"python"}),
    "From the price source of the settings: the bundled sample (simulated), a folder of files, or live vendors; the "
    "column `source` says which.",
    essential=True,
    exclusive=True,
    freshness=after_every_close,
)
PRICES_KEY = dg.AssetKey(["raw", market.DAILY_PRICES.table])
FOLDER_STATE = "folder_state"
"""Metadata of a run that read price files: the state of their folder, by which the sensor knows it."""

_COMPARED_COLUMNS = ("trade_date", "close", "adj_close", "source_file")

_SYMBOL_CHECKS = {
    "every_symbol_answered": "The price source had an answer for each symbol asked for. If not: what stands for the "
    "others stands, and the prices are partial.",
    "history_stands": "What was loaded before still agrees with the source. If not: a split, a dividend or a "
    "correction; the new rows stand (a vendor's whole history anew), the old ones are kept with the time they stood. "
    "Rows that are in the middle of a history no more are named, and stand. "
    "Where most of a symbol's history changes in a file, it is refused (batch_is_accepted).",
}
"""Checks that only prices have: name and meaning."""


def prices_asset() -> dg.AssetsDefinition:
    """The asset of `raw.market__daily_prices`."""
    read = (curated.COMPANIES, curated.PEERS, curated.SYMBOL_CHANGES)
    instruments = [dg.AssetKey(["raw", contract.table]) for contract in read]

    @raw_asset(PRICES_FEED, deps=instruments, more_checks=_SYMBOL_CHECKS)
    def prices(
        context: dg.AssetExecutionContext,
        config: PriceSelection,
        warehouse: dg.ResourceParam[Warehouse],
        price_source: dg.ResourceParam[PriceSource],
        load_policy: dg.ResourceParam[LoadPolicy],
    ) -> dg.MaterializeResult:
        with warehouse.write():  # open for all that is asked of it here, and closed while the source is
            request = _price_request(warehouse, price_source.name, config)

        # seen before the files are read: what changes meanwhile is a change
        state = folder_state(price_source.folder) if isinstance(price_source, FilePrices) else None
        told = {}

        def results(batch: Batch | None, report: LoadReport | None, refusal: str) -> Iterator[dg.AssetCheckResult]:
            if batch is not None and state and not request.is_partial:
                told[FOLDER_STATE] = state
            yield from _symbol_check_results(batch, report, refusal)

        # a new version of the sample is another path, and no fault
        policy = replace(load_policy, allow_rewrite=load_policy.allow_rewrite or price_source.is_simulated)
        result = ingest_batch(
            context,
            warehouse,
            PRICES_FEED,
            partial(price_source.fetch, request),
            known={},
            policy=policy,
            is_local=price_source.is_local,
            more_results=results,
        )
        return result._replace(metadata={**(result.metadata or {}), **told})

    return prices


def _price_request(warehouse: Warehouse, source: str, config: PriceSelection) -> PriceRequest:
    """What is asked of the price source, with what stands from it already."""
    listed = warehouse.current_values(curated.COMPANIES, "ticker") | warehouse.current_values(curated.PEERS, "ticker")
    try:
        start, end = config.days(today())
        # a folder of files may have brought symbols that are not on the list
        known = listed | warehouse.current_values(market.DAILY_PRICES, "symbol") if config.symbols else listed
        symbols = config.picked_symbols(known)
    except SelectionError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    compared = None if config.full_history else OVERLAP
    stands = warehouse.latest_rows(market.DAILY_PRICES, source, _COMPARED_COLUMNS, compared)
    return PriceRequest(
        symbols=tuple(sorted(symbols)),
        start=start,
        end=end,
        current={symbol: tuple(CurrentBar(*bar) for bar in bars) for symbol, bars in stands.items()},
        always_open=warehouse.current_values(curated.PEERS, "ticker", where=("trading_calendar", "24/7")),
        other_tickers=other_tickers(warehouse),
        only_listed=bool(config.symbols),
        full_history=config.full_history,
        files=warehouse.files_read(market.DAILY_PRICES, source),
    )


def _symbol_check_results(
    batch: Batch | None, report: LoadReport | None, refusal: str
) -> Iterator[dg.AssetCheckResult]:
    missing, restated = (batch.missing, dict(batch.restated)) if batch else ({}, {})
    restated |= report.rewritten if report else {}
    for name, found in (("every_symbol_answered", missing), ("history_stands", restated)):
        said = "; ".join(f"{symbol}: {why}" for symbol, why in sorted(found.items()))
        failed_whole = name == "every_symbol_answered" and batch is None
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not found and not failed_whole,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "failing_symbols": len(found),
                "symbols": ", ".join(sorted(found)) or ("all" if failed_whole else "none"),
                "observed": said or (refusal if failed_whole else "none"),
            },
        )
