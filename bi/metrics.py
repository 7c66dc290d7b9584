"""Asks the published file for metrics: the definitions are in `dbt/models/semantic`, the SQL is MetricFlow's.

Belongs here: opening the published file for MetricFlow, and handing back its answer. Does not belong here: what a
metric is (dbt), and charts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from metricflow.data_table.mf_table import MetricFlowDataTable
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.sql_plan_renderer import SqlPlanRenderer
from metricflow_semantic_interfaces.protocols.semantic_manifest import SemanticManifest
from metricflow_semantics.errors.error_classes import SqlBindParametersNotSupportedError
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup
from metricflow_semantics.sql.sql_bind_parameters import SqlBindParameterSet

from bi.published import PublishedFile, stamp_of

_NO_PARAMETERS = SqlBindParameterSet()


class Metrics:
    """The metrics of one published file; reading the definitions takes a moment, so keep it for several questions."""

    def __init__(self, database: Path, semantic_manifest: Path) -> None:
        """Read the definitions (dbt's `semantic_manifest.json`); raises `NotPublishedError` without a published file.

        An answer is that of the latest refresh.
        """
        stamp_of(database)
        manifest = parse_manifest_from_dbt_generated_manifest(semantic_manifest.read_text())
        self._client = _Client(PublishedFile(database, _database_of(manifest)))
        self._engine = MetricFlowEngine(SemanticManifestLookup(manifest), self._client)

    def ask(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        where: Sequence[str] = (),
        order_by: Sequence[str] = (),
    ) -> pa.Table:
        """The metrics, grouped by dimensions such as `miner` or `metric_time__month`: one column for each.

        `where` holds conditions in MetricFlow's own words, such as `{{ Dimension('miner__is_covered_company') }}`.
        Raises MetricFlow's errors for an unknown name, DuckDB's for a condition that is no SQL.
        """
        return self._client.table(self.sql(metrics, by, where, order_by))

    def sql(
        self,
        metrics: Sequence[str],
        by: Sequence[str] = (),
        where: Sequence[str] = (),
        order_by: Sequence[str] = (),
    ) -> str:
        """The SQL that answers the question."""
        request = MetricFlowQueryRequest.create(
            metric_names=metrics, group_by_names=by, where_constraints=where or None, order_by_names=order_by
        )
        return self._engine.explain(request).sql_statement.sql


def _database_of(manifest: SemanticManifest) -> str:
    """The name under which the SQL will look for the marts."""
    (database,) = {model.node_relation.database for model in manifest.semantic_models}
    if database is None:
        raise ValueError("the semantic manifest names no database")
    return database


class _Client:
    """The published file as MetricFlow's client for SQL: no statement can write."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer: SqlPlanRenderer = DuckDbSqlPlanRenderer()

    def __init__(self, published: PublishedFile) -> None:
        self.table = published.query

    def query(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NO_PARAMETERS) -> MetricFlowDataTable:
        _refuse(sql_bind_parameter_set)
        answer = self.table(stmt)
        rows = [tuple(row.values()) for row in answer.to_pylist()]
        return MetricFlowDataTable.create_from_rows(answer.column_names, rows)

    def execute(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NO_PARAMETERS) -> None:
        self.query(stmt, sql_bind_parameter_set)

    def dry_run(self, stmt: str, sql_bind_parameter_set: SqlBindParameterSet = _NO_PARAMETERS) -> None:
        self.query(f"explain {stmt}", sql_bind_parameter_set)

    def close(self) -> None:
        """Nothing is to be given back: the file is open for reading alone."""

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        raise SqlBindParametersNotSupportedError(f"no bind parameters here: {bind_parameter_key}")


def _refuse(parameters: SqlBindParameterSet) -> None:
    if parameters.param_dict:
        raise SqlBindParametersNotSupportedError(f"no bind parameters here: {parameters.param_dict}")
