"""What only one engine understands stands in dispatched macros and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project.settings import PROJECT_DIR

DBT = PROJECT_DIR / "dbt"

# the update in place, which is DuckDB's alone, and how tables are made: both say so (docs/engines.md)
OF_ONE_ENGINE = (
    "macros/materializations/table_macro.sql",
    "macros/materializations/table_or_tail.sql",
    "macros/engines/spark_tables.sql",
    "macros/indicators/tail.sql",
    "models/intermediate/market/int_technicals_stale.sql",
)

# what it looks like, and what to write instead
ENGINE_ONLY = {
    r"\bvarchar\b|\btext\)": "cast(... as string): the one name of a text that both know",
    r"\*\s*(?:exclude|except|replace)\s*\(": "all_but, or name the columns",
    r"\bby name\b": "name the columns on both sides",
    r"\bignore nulls\b": "ignoring_nulls",
    r"\bstruct(?:_pack)?\s*\(|\brow\s*\(": "one_value_of or compared_in_turn",
    r"\b(?:list|array)_\w+\s*\(|\blist\s*\(|\bcollect_list\b|\blen\s*\(|\bunnest\b|\bexplode\b": "a macro for lists",
    r"\b(?:string_agg|listagg|group_concat)\b": "texts_in_order",
    r"\bgenerate_series\b|\bfrom\s+range\s*\(|\bsequence\s*\(": "whole_numbers",
    r"\b(?:strftime|strptime|date_format|date_part|epoch\w*|isodow|dow_iso|dayofweek)\b": "extract, or iso_weekday",
    r"\b(?:date_diff|datediff|date_sub|date_add)\b(?<!dbt\.datediff)": "days_from or dbt.dateadd",
    r"\w_date\)? - (?:[a-z]+\.|max\(|min\()?\w+_date\b": "days_from: a difference of dates is an interval in Spark",
    r"\b(?:isfinite|isinf|isnan)\b": "is_finite",
    r"\b(?:arg_max|arg_min)\b": "max_by, min_by",
    r"\binterval\s*\(": "interval with a plain number",
    r"\basof\s+join\b|\bpositional\s+join\b|\bpivot\b\s*\(|\bsemi\s+join\b|\banti\s+join\b": "a plain join",
    r"//|\bdiv\b": "block_of, or floor of a quotient",
    r"\(\s*[a-z_]+ rows between": "the whole frame: Spark extends no named window",
    r"\bsplit\s*\(|\bstring_split\b|\bregexp_\w+": "split_part, or a_row_for_each_part",
    r"\btry_cast\b|\bprintf\b|\bformat\s*\(": "cast after a check",
    r"(?<![\w.])\d+\.\d*[1-9]\d*(?![\w.])": "a double such as 365.25e0: Spark takes 365.25 for a decimal and rounds",
}


def _plain_sql(text: str) -> str:
    """The SQL that every engine reads: without comments, texts, Jinja, and the branches of a dispatched macro."""
    text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    text = re.sub(r"{%-?\s*macro \w+__\w+\(.*?{%-?\s*endmacro\s*-?%}", "", text, flags=re.DOTALL)
    text = re.sub(r"{{.*?}}|{%.*?%}", " x ", text, flags=re.DOTALL)
    text = re.sub(r"--.*", "", text)
    return re.sub(r"'[^']*'", "''", text)


def _found(sql: str) -> Iterator[str]:
    for pattern, instead in ENGINE_ONLY.items():
        for hit in re.finditer(pattern, sql, re.IGNORECASE):
            yield f"{hit[0]!r}: write {instead}"


def test_models_and_macros_are_written_for_both_engines() -> None:
    found = [
        f"{path.relative_to(DBT)}: {what}"
        for path in sorted(DBT.rglob("*.sql"))
        if str(path.relative_to(DBT)) not in OF_ONE_ENGINE and path.relative_to(DBT).parts[0] != "target"
        for what in _found(_plain_sql(path.read_text()))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "select t.* exclude (a) from t",
        "select cast(a as varchar) from t",
        "select * from a union all by name select * from b",
        "select lag(a ignore nulls) over (order by b) from t",
        "select list_sum(list(a order by a)) from t",
        "select string_agg(a, ', ' order by b) from t",
        "from generate_series(1, 10)",
        "where strftime(a, '%m') = '01'",
        "select date_diff('day', a, b) from t",
        "avg(a) over (by_session rows between 19 preceding and current row)",
        "select unnest(string_split(a, ';')) from t",
        "select a / 365.25 from t",
        "select a // 1024 from t",
        "range between interval (10 - 1) day preceding and current row",
        "select arg_max(a, b) from t",
        "where not isfinite(a)",
        "where abs(others.rating_date - curated.rating_date) <= 1",
    ],
)
def test_syntax_of_one_engine_is_found(line: str) -> None:
    assert list(_found(_plain_sql(line)))


@pytest.mark.parametrize(
    "line",
    [
        "select max_by(a, b), 100.0 * c, 1e-9 * d, power(2e0, 3) from t -- // of all",
        "select a || ' 3.5 // by name' from t",
        "{% macro duckdb__x(a) -%} list_sum(list({{ a }})) {%- endmacro %}",
        "select {{ all_but('t', ['a']) }} from t",
        "avg(a) over (partition by b order by c rows between 19 preceding and current row)",
        "extract(month from a) = 1",
    ],
)
def test_what_both_engines_read_is_let_through(line: str) -> None:
    assert not list(_found(_plain_sql(line)))


def test_every_dispatched_macro_is_listed_with_its_reason() -> None:
    listed = set(re.findall(r"^\| `(\w+)`", (PROJECT_DIR / "docs" / "engines.md").read_text(), re.MULTILINE))
    dispatched = {
        name
        for path in DBT.rglob("macros/**/*.sql")
        for name in re.findall(r"adapter\.dispatch\('(\w+)'\)", path.read_text())
    }
    assert listed == dispatched


def test_a_dispatched_macro_has_a_branch_for_each_engine() -> None:
    for path in DBT.rglob("macros/**/*.sql"):
        text = path.read_text()
        for name in re.findall(r"adapter\.dispatch\('(\w+)'\)", text):
            other = re.search(rf"macro (default|spark)__{name}\(", text)
            assert other, f"{name} has nothing but DuckDB's branch"


def test_files_of_one_engine_are_there() -> None:
    assert [name for name in OF_ONE_ENGINE if not (DBT / Path(name)).is_file()] == []
