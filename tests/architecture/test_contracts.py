"""What every contract must say of its columns."""

import pytest

from dagster_project.contracts.base import LINK, Column, Contract
from dagster_project.contracts.curated import CURATED_CONTRACTS
from dagster_project.contracts.filings import FILING_CONTRACTS
from dagster_project.contracts.ratings import YAHOO_RATING_CHANGES

CONTRACTS = (*CURATED_CONTRACTS, *FILING_CONTRACTS, YAHOO_RATING_CHANGES)


def _is_bounded(column: Column) -> bool:
    if column.type == "date":
        return column.not_before is not None and (column.not_in_future or column.not_after is not None)
    return (column.minimum is not None or column.above is not None) and column.maximum is not None


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.table)
def test_every_number_and_date_has_a_lower_and_an_upper_bound(contract: Contract) -> None:
    open_ended = [
        column.name
        for column in contract.columns
        if column.type in ("double", "bigint", "date") and not _is_bounded(column)
    ]
    assert not open_ended, "say beyond which value nothing sane lies"


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.table)
def test_every_link_is_plain(contract: Contract) -> None:
    links = [column for column in contract.columns if "url" in column.name.split("_")]
    assert all(column.pattern == LINK for column in links)
