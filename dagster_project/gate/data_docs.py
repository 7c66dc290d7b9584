"""Great Expectations' Data Docs: a page per raw table on what its last batch was asked and answered.

Belongs here: writing its pages so that they can be read offline, and the list of them. Does not belong here: what is
asked (`expectations`), the history of answers (`marts.data_quality_results`).
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from great_expectations.core import ExpectationSuiteValidationResult

_LOOKS = """<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; color: #222; background: #fff }
table { border-collapse: collapse; margin: 1em 0 }
td, th { border: 1px solid #ccc; padding: .3em .6em; text-align: left }
nav, form, .modal, .navbar, button { display: none } pre { white-space: pre-wrap }
</style>"""
_FROM_ELSEWHERE = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<img\b[^>]*>|<iframe\b.*?</iframe>|<form\b.*?</form>"
    r"|url\(['\"]?https?:[^)]*\)",
    re.DOTALL | re.IGNORECASE,
)


def write_page(page: Path, validation: ExpectationSuiteValidationResult) -> None:
    """Write a suite's result as Great Expectations renders it, without anything that a browser would have to fetch."""
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    validation.meta.setdefault("run_id", RunIdentifier())
    rendered: str = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(validation))  # type: ignore[no-untyped-call]
    page.parent.mkdir(parents=True, exist_ok=True)
    unfinished = page.with_suffix(".part")
    unfinished.write_text(_FROM_ELSEWHERE.sub("", rendered).replace("</head>", f"{_LOOKS}</head>", 1), encoding="utf-8")
    unfinished.replace(page)


def write_index(folder: Path) -> Path:
    """List the pages of the folder in `index.html`, and return that page."""
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "index.html"
    pages = sorted(page.stem for page in folder.glob("*.html") if page != index)
    links = "".join(f'<li><a href="{html.escape(name)}.html">{html.escape(name)}</a></li>' for name in pages)
    index.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>{_LOOKS}</head>'
        f"<body><h1>What the gate asked of the last batch of each raw table</h1><ul>{links}</ul></body></html>",
        encoding="utf-8",
    )
    return index
