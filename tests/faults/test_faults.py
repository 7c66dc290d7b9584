"""Every fault of the matrix is caught by the check that must catch it, and costs nothing that is right.

Belongs here: the verdict on each fault. Does not belong here: how a fault is made and tried (`matrix`).
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import machine
import matrix
import pytest
from matrix import Fault

FAULTS = matrix.faults()
AT = defaultdict(list)
for _fault in FAULTS:
    AT[_fault.level].append(_fault)
BY_TABLE: dict[str, list[Fault]] = defaultdict(list)
for _fault in AT["row"]:
    BY_TABLE[_fault.data["table"]].append(_fault)
IN_WAREHOUSE = [*AT["odd"], *AT["series"]]


def _each(faults: list[Fault]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("fault", faults, ids=[fault.name for fault in faults])


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, str]]:
    """By table, what the gate said of the faulty rows."""
    return {table: matrix.try_rows(matrix.CONTRACTS[table], faults) for table, faults in BY_TABLE.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], list[str]]:
    """What was said of the faulty price files, and the symbols that were read."""
    return matrix.try_price_files(tmp_path_factory.mktemp("prices"), AT["price_file"])


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> matrix.Tried:
    """A warehouse of the reference facts in which each odd fault has a company of its own."""
    return matrix.try_warehouse(tmp_path_factory.mktemp("warehouse"), IN_WAREHOUSE)


@_each(AT["row"])
def test_a_faulty_row_is_kept_out_with_its_reason(fault: Fault, judged: dict[str, dict[str, str]]) -> None:
    assert fault.says in judged[fault.data["table"]].get(fault.name, "")


@pytest.mark.parametrize("table", BY_TABLE)
def test_no_faulty_row_costs_a_good_one(table: str, judged: dict[str, dict[str, str]]) -> None:
    assert "good rows" not in judged[table]


@_each(AT["price_file"])
def test_a_faulty_price_file_is_named_with_its_reason(fault: Fault, folder: tuple[dict[str, str], list[str]]) -> None:
    assert fault.name in folder[0]
    assert fault.says.lower() in folder[0][fault.name].lower()


def test_no_faulty_file_stops_the_others(folder: tuple[dict[str, str], list[str]]) -> None:
    said, symbols = folder
    assert "good rows" not in said
    assert {"AAA", "ZZZ"} <= set(symbols)


@_each(AT["reference_file"])
def test_a_faulty_reference_file_is_refused_with_its_reason(fault: Fault, tmp_path: Path) -> None:
    said = matrix.try_reference_file(tmp_path, fault)
    assert said
    assert fault.says in said


@_each(IN_WAREHOUSE)
def test_what_is_odd_is_found_and_warned_of(fault: Fault, warehouse: matrix.Tried) -> None:
    if fault.says in matrix.rules():
        symbol = matrix.companies_of(IN_WAREHOUSE)[fault.name]
        assert (symbol, fault.says) in warehouse.findings
    assert matrix.rules().get(fault.says, fault.says) in warehouse.warned


def test_the_reference_facts_are_not_odd_beyond_what_is_accepted(warehouse: matrix.Tried) -> None:
    made = set(matrix.companies_of(IN_WAREHOUSE).values())
    assert {found for found in warehouse.findings if found[0] not in made | {"SECTOR"}} == set()
    assert warehouse.accepted, "what is accepted stays in the table"


def test_every_rule_of_plausibility_has_a_fault_and_every_warning_its_cause(warehouse: matrix.Tried) -> None:
    tried = {fault.says for fault in IN_WAREHOUSE}
    assert set(matrix.rules()) <= tried
    assert warehouse.warned == {matrix.rules().get(rule, rule) for rule in tried}


@_each(AT["machine"])
def test_what_the_machine_does_is_told_in_one_sentence_that_mends_it(fault: Fault, tmp_path: Path) -> None:
    said = machine.told_of(fault.change, tmp_path)
    assert said is not None, "a traceback"
    assert len(said.splitlines()) == 1
    assert fault.says in said
    assert fault.data["mended_by"] in said
    assert any(safe in said for safe in ("stands as it was", "is untouched", "nothing has changed")), said


def test_every_state_of_the_machine_is_in_the_matrix() -> None:
    assert machine.STATES.keys() == {fault.change for fault in AT["machine"]}


@_each([*AT["load"], *AT["elsewhere"]])
def test_what_is_tried_elsewhere_is_tried(fault: Fault) -> None:
    path, _, name = fault.says.partition("::")
    module = ast.parse((matrix.REPO / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in module.body if isinstance(node, ast.FunctionDef)}


def test_the_matrix_is_wide() -> None:
    kinds = {fault.kind for fault in FAULTS}
    assert {"cell", "value", "type", "text", "encoding", "layout", "meaning", "file", "disk", "process"} <= kinds
    assert len([fault for fault in FAULTS if fault.kind != "cell"]) >= 100
