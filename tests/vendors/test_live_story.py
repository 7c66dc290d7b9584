"""Three weeks of live prices: first load, daily updates, and what vendors do to a warehouse, one evening after another.

Everything but the vendors is real: the source, the gate, the load, the asset with its checks, run by Dagster. Shown as
a table by `pytest -s tests/vendors/test_live_story.py`.
"""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from fake_vendors import WEB_PAGE, status

from dagster_project.assets.ingest import ingest_assets
from dagster_project.assets.ingest.raw_table import LoadPolicy
from dagster_project.settings import PROJECT_DIR
from dagster_project.sources.curated import CuratedFacts
from dagster_project.warehouse.resource import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vendor_house import House

SYMBOLS = ("BTC-USD", "CLSK", "IREN", "SPY")
PRICES = dg.AssetKey(["raw", "market__daily_prices"])
COLUMNS = ("day", "what happens", "asked", "standing", "added", "changed", "withdrawn", "superseded", "quarantine")


@dataclass(frozen=True)
class Evening:
    """What one evening left behind: figures in the order of `COLUMNS`, failed checks with what they said."""

    figures: tuple[Any, ...]
    failed: dict[str, tuple[str, str]]

    def line(self) -> str:
        """One line of the table."""
        day, what, *counts = self.figures
        cells = "".join(f"{count:>11}" for count in counts)
        failed = ", ".join(f"{name} ({severity}: {said})" for name, (severity, said) in self.failed.items())
        return f"{day:%a %m-%d}  {what:<46}{cells}  {failed or 'all checks pass'}"


def heading() -> str:
    """The table's first line."""
    return f"{'day':<10} {'what happens':<46}" + "".join(f"{name:>11}" for name in COLUMNS[2:]) + "  failed checks"


@dataclass
class Story:
    """A warehouse that is refreshed evening after evening."""

    house: House
    warehouse: Warehouse
    reference: Path
    instance: dg.DagsterInstance
    is_new: bool = True

    def evening(self, day: dt.date, what: str, *vendors: str) -> Evening:
        """Let the exchange trade up to the day, refresh after its close, and see what is there."""
        self.trade_until(day)
        self.house.clock.after_the_close_of(day)
        asked_before = len(self.house.vendors.requests_for("yahoo")) + len(self.house.vendors.requests_for("tiingo"))
        result = dg.materialize(
            [asset for asset in ingest_assets() if asset.key.path[-1] in _TABLES],
            selection=None if self.is_new else [PRICES],  # the reference list stays as it is
            instance=self.instance,
            resources={
                "warehouse": self.warehouse,
                "price_source": self.house.prices(*vendors),
                "curated_facts": CuratedFacts(self.reference),
                "load_policy": LoadPolicy(),
            },
            raise_on_error=False,
        )
        assert result.success
        self.is_new = False
        metadata = result.asset_materializations_for_node("raw__market__daily_prices")[0].metadata
        asked = len(self.house.vendors.requests_for("yahoo")) + len(self.house.vendors.requests_for("tiingo"))
        ((superseded,),) = self.ask("select count(*) from raw.market__daily_prices where valid_to is not null")
        ((quarantined,),) = self.ask("select count(*) from quarantine.market__daily_prices")
        counts = [metadata[f"rows_{name}"].value for name in ("added", "changed", "withdrawn")]
        failed = {
            check.check_name: (
                check.severity.value,
                str(check.metadata[_SAID.get(check.check_name, "observed")].value),
            )
            for check in result.get_asset_check_evaluations()
            if check.asset_key == PRICES and not check.passed
        }
        standing = metadata["dagster/row_count"].value
        figures = (day, what, asked - asked_before, standing, *counts, superseded, quarantined)
        return Evening(figures, failed)

    def trade_until(self, day: dt.date) -> None:
        """Let every listing trade on the days up to this one that it has not traded on yet."""
        for listing in self.house.vendors.listings.values():
            last = max(listing.closes)
            for ahead in range(1, (day - last).days + 1):
                new = last + dt.timedelta(days=ahead)
                if listing.around_the_clock or new.weekday() < 5:
                    step = 0.25 / listing.splits.get(new, 1.0)
                    listing.closes[new] = listing.closes[max(listing.closes)] / listing.splits.get(new, 1.0) + step

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the build file."""
        with self.warehouse.read() as connection:
            return connection.execute(sql).fetchall()

    def standing_closes(self, symbol: str) -> dict[dt.date, float]:
        """The series that stands."""
        rows = self.ask(
            f"select trade_date, close from raw.market__daily_prices where valid_to is null and symbol = '{symbol}'"
        )
        assert len(rows) == len(dict(rows)), "no day stands twice"
        return dict(rows)

    def true_closes(self, symbol: str, last: dt.date) -> dict[dt.date, float]:
        """What the series should be: adjusted for the splits so far."""
        listing = self.house.vendors.listings[symbol]
        return {day: close / listing.later_splits(day) for day, close in listing.closes.items() if day <= last}


_TABLES = {"curated__companies", "curated__peers", "market__daily_prices"}
_SAID = {"batch_is_accepted": "refusal", "every_symbol_answered": "symbols", "history_stands": "symbols"}


@pytest.fixture
def story(house: House, tmp_path: Path) -> Iterator[Story]:
    """The story before its first evening: the four instruments are on the reference list, nothing is loaded."""
    reference = tmp_path / "reference"
    reference.mkdir()
    for name in ("companies.csv", "peers.csv"):
        with (PROJECT_DIR / "reference" / name).open(newline="", encoding="utf-8") as there:
            reader = csv.DictReader(there)
            rows = [row for row in reader if row["ticker"] in SYMBOLS]
            with (reference / name).open("w", newline="", encoding="utf-8") as here:
                writer = csv.DictWriter(here, list(reader.fieldnames or ()))
                writer.writeheader()
                writer.writerows(rows)
    warehouse = Warehouse(tmp_path / "build" / "warehouse.duckdb", tmp_path / "published")
    with dg.DagsterInstance.ephemeral() as instance:
        yield Story(house, warehouse, reference, instance)


def _november(day: int) -> dt.date:
    return dt.date(2025, 11, day)


@pytest.mark.nightly
def test_three_weeks_of_live_prices(story: Story) -> None:
    vendors, listings = story.house.vendors, story.house.vendors.listings
    evenings: list[Evening] = []

    def evening(day: dt.date, what: str, expected: tuple[int, ...], failed: dict[str, str], *sources: str) -> Evening:
        evenings.append(story.evening(day, what, *sources))
        print(f"\n{heading()}\n" if len(evenings) == 1 else "", end="")  # noqa: T201
        print(evenings[-1].line())  # noqa: T201
        assert evenings[-1].figures[2:] == expected, what
        seen = {name: said for name, (_, said) in evenings[-1].failed.items()}
        assert seen.keys() == failed.keys(), what
        for name, said in failed.items():
            assert seen[name].startswith(said), what
        return evenings[-1]

    def all_true(last: dt.date, *but: str) -> None:
        for symbol in set(SYMBOLS) - set(but):
            until = last - dt.timedelta(days=1) if symbol == "BTC-USD" else last
            assert story.standing_closes(symbol) == pytest.approx(story.true_closes(symbol, until)), symbol

    # asked, standing, added, changed, withdrawn, superseded, quarantined
    evening(dt.date(2025, 10, 31), "first load: whole histories", (4, 173, 173, 0, 0, 0, 0), {})
    evening(_november(3), "update over a weekend", (4, 179, 6, 0, 0, 0, 0), {})
    evening(_november(4), "update", (4, 183, 4, 0, 0, 0, 0), {})
    evening(_november(5), "update", (4, 187, 4, 0, 0, 0, 0), {})
    all_true(_november(5))
    assert [ask.query["period1"] for ask in vendors.requests_for("yahoo", "CLSK")[-3:]] == [
        str(int(dt.datetime(2025, 10, day, tzinfo=story.house.clock.time.tzinfo).timestamp())) for day in (20, 21, 22)
    ], "from the tenth session before on"

    listings["CLSK"].splits[_november(6)] = 10.0
    evening(_november(6), "CLSK splits 10 for 1", (5, 191, 4, 43, 0, 43, 0), {"history_stands": "CLSK"})
    all_true(_november(6))
    ((split,),) = story.ask("select split_ratio from raw.market__daily_prices where split_ratio is not null")
    assert split == 10.0

    listings["IREN"].closes[_november(5)] += 0.02
    evening(
        _november(7),
        "the vendor corrects a close of IREN by 2 cents",
        (5, 195, 4, 1, 0, 44, 0),
        {"history_stands": "IREN"},
    )
    all_true(_november(7))

    listings["SPY"].dividends[_november(10)] = 1.5
    evening(_november(10), "SPY pays a dividend", (5, 201, 6, 45, 0, 89, 0), {"history_stands": "SPY"})
    all_true(_november(10))

    vendors.fail("yahoo", "IREN", status(429, Retry_After="7"), status(429, Retry_After="9"))
    evening(_november(11), "a rate limit that passes", (6, 205, 4, 0, 0, 89, 0), {})
    assert story.house.clock.waits[-2:] == [7.0, 9.0]
    all_true(_november(11))

    vendors.break_down("yahoo", "IREN", status(429))
    evening(
        _november(12),
        "a rate limit that stays: two of four load",
        (5, 207, 2, 0, 0, 89, 2),
        {
            "quarantine_is_empty": "live IREN: IREN is missing: yahoo IREN: HTTP 429 after 3 tries; live SPY: SPY is "
            "missing: yahoo not asked any more in this run (yahoo IREN: HTTP 429 after 3 tries)",
            "every_symbol_answered": "IREN, SPY",
        },
    )
    all_true(_november(12), "IREN", "SPY")

    vendors.break_down("yahoo", "*", status(503))
    outage = evening(
        _november(13),
        "an outage: nothing arrives, nothing is lost",
        (6, 207, 0, 0, 0, 89, 2),
        {
            "batch_is_accepted": "live: none of 4 symbols: yahoo BTC-USD: HTTP 503 after 3 tries; yahoo CLSK: HTTP 503 "
            "after 3 tries; yahoo not asked any more in this run (yahoo CLSK: HTTP 503 after 3 tries)",
            "every_symbol_answered": "all",
        },
    )
    assert outage.failed["batch_is_accepted"][0] == "ERROR"

    evening(_november(14), "Yahoo is still out, Tiingo steps in", (10, 217, 10, 0, 0, 89, 2), {}, "yahoo", "tiingo")
    all_true(_november(14))
    brought = story.ask(
        "select source_file, count(*) from raw.market__daily_prices where valid_to is null "
        "and trade_date >= '2025-11-12' group by 1 order by 1"
    )
    assert brought == [
        ("tiingo BTC-USD", 2), ("tiingo CLSK", 2), ("tiingo IREN", 3), ("tiingo SPY", 3),
        ("yahoo CLSK", 1),
    ]  # fmt: skip

    vendors.recover()
    evening(_november(17), "Yahoo is back", (4, 223, 6, 0, 0, 89, 2), {}, "yahoo", "tiingo")
    all_true(_november(17))

    story.trade_until(_november(18))
    right = listings["IREN"].closes[_november(18)]
    listings["IREN"].closes[_november(18)] = -right
    evening(
        _november(18),
        "a bar that cannot be: quarantined",
        (4, 226, 3, 0, 0, 89, 3),
        {"quarantine_is_empty": f"yahoo IREN row 11: open {-right * 0.99} is not above 0"},
    )
    listings["IREN"].closes[_november(18)] = right
    evening(_november(19), "the bar comes right the next day", (4, 231, 5, 0, 0, 89, 3), {})
    all_true(_november(19))

    vendors.break_down("yahoo", "CLSK", WEB_PAGE)
    evening(
        _november(20),
        "a web page instead of CLSK's prices",
        (4, 234, 3, 0, 0, 89, 4),
        {
            "quarantine_is_empty": "live CLSK: CLSK is missing: yahoo CLSK: a web page came instead of data",
            "every_symbol_answered": "CLSK",
        },
    )
    vendors.recover()
    evening(_november(21), "and all is well again", (4, 239, 5, 0, 0, 89, 4), {})
    all_true(_november(21))

    ((versions,),) = story.ask("select count(*) from raw.market__daily_prices")
    assert versions == 239 + 89, "whatever was ever loaded is still there"
    before_split = story.ask(
        "select close, valid_to is not null from raw.market__daily_prices "
        "where symbol = 'CLSK' and trade_date = '2025-11-05' order by valid_from"
    )
    assert before_split == [(pytest.approx(20.5), True), (pytest.approx(2.05), False)]
