"""The quality page: what was checked, what failed, how far the data reaches, what is missing of each company."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from bi import questions
from bi.dashboard import tables
from bi.dashboard.frame import Published, head

CHECKS = {
    "passed": tables.flag("Passed"),
    "severity": tables.code("If it fails"),
    "layer": tables.text("Layer"),
    "tool": tables.code("Tool"),
    "table_name": tables.text("Table"),
    "check_title": tables.text("What is checked", lambda row: str(row["check_name"])),
    "check_name": tables.text("Check"),
    "failing_rows": tables.number("Failing rows", missing="not counted"),
    "observed": tables.text("Observed", "nothing noted"),
}


def show(published: Published) -> None:
    """The page."""
    checks = published.ask(questions.data_quality)
    last = published.ask(questions.sessions)["last_session"].iloc[0]
    head(published, "Data quality", f"Prices reach to the close of {last:%d %B %Y}")
    if checks.empty:
        st.info("No check is known: the published file was written without any.")
    else:
        _checks(checks)
    _history(published.ask(questions.quality_history))
    st.subheader("How far the data reaches", anchor=False)
    tables.show(
        published.ask(questions.freshness),
        {
            "kind": tables.text("Facts"),
            "rows": tables.number("Rows"),
            "first_date": tables.day("First"),
            "last_date": tables.day("Last"),
        },
        caption="How far the data reaches",
    )
    _coverage(published.ask(questions.coverage))


def _history(runs: pd.DataFrame) -> None:
    st.subheader("Runs before", anchor=False)
    if runs.empty:
        st.info("No run is known.")
        return
    st.caption("One row per run, latest first; a run that refreshes a part asks the checks of that part alone.")
    tables.show(
        runs,
        {
            "checked_at": tables.moment("Checked, UTC"),
            "checks": tables.number("Checks"),
            "failed_severe": tables.number("Failed, severe"),
            "failed_worth_a_look": tables.number("Failed, worth a look"),
        },
        caption="Checks of every run",
    )


def _coverage(inputs: pd.DataFrame) -> None:
    st.subheader("What is known of each company", anchor=False)
    if inputs.empty:
        st.info("Nothing is known of any company.")
        return
    complete = int(inputs["is_complete"].sum())
    st.caption(
        f"{complete} of {len(inputs)} inputs of a valuation are complete on {inputs['as_of_date'].max():%d %B %Y}"
    )
    tables.show(
        inputs,
        {
            "symbol": tables.miner(),
            "input": tables.code("Input"),
            "is_complete": tables.flag("Complete"),
            "coverage": tables.text("Why, or why not"),
            "missing_fact": tables.text("Filled by", "nothing is missing"),
        },
        caption="What is known of each company",
    )


def _checks(checks: pd.DataFrame) -> None:
    failed = checks[~checks["passed"].astype(bool)]
    with st.container(horizontal=True):
        st.metric("Checks", len(checks), border=True, width=200)
        st.metric("Failed, severe", int((failed["severity"] == "ERROR").sum()), border=True, width=200)
        st.metric("Failed, worth a look", int((failed["severity"] == "WARN").sum()), border=True, width=200)
        st.metric("Checked, UTC", f"{checks['checked_at'].max():%d %b %Y %H:%M}", border=True, width=220)
    st.subheader("What failed", anchor=False)
    if failed.empty:
        st.success(f"None of the {len(checks)} checks failed when it was last asked.")
    else:
        tables.show(
            failed, {name: column for name, column in CHECKS.items() if name != "passed"}, caption="Checks that failed"
        )
    st.subheader("By layer and tool", anchor=False)
    by = checks.assign(failed=~checks["passed"].astype(bool)).groupby(["layer", "tool"], as_index=False)
    tables.show(
        by.agg(checks=("passed", "size"), failed=("failed", "sum")).sort_values(
            ["failed", "layer"], ascending=[False, True]
        ),
        {
            "layer": tables.text("Layer"),
            "tool": tables.code("Tool"),
            "checks": tables.number("Checks"),
            "failed": tables.number("Failed"),
        },
        caption="Checks by layer and tool",
    )
    with st.expander(f"Every check: all {len(checks)}, those that failed first"):
        tables.show(checks, CHECKS, caption="Every check")
