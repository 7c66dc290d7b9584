"""`make brief`: one page on one miner and one day, as HTML and as Markdown, in the folder `briefs` of the data.

Belongs here: arguments, files and exit codes. Does not belong here: what is on the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NoReturn

from bi.brief.reader import StoryError
from bi.brief.story import read_story
from bi.published import NotPublishedError, PublishedFile
from dagster_project.output import end_with_reader
from dagster_project.settings import Settings, SettingsError, load_settings


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"brief: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both pages and name them; 2 and one line on stderr where that cannot be done."""
    asked = _parser().parse_args(arguments)
    try:
        for page in write_brief(load_settings(), asked.symbol, asked.as_of, quote=asked.quote, since=asked.since):
            print(page)
    except (StoryError, NotPublishedError, SettingsError) as error:
        print(f"brief: {error}", file=sys.stderr)
        return 2
    return 0


def write_brief(
    settings: Settings, symbol: str, as_of: date, *, quote: float | None = None, since: date | None = None
) -> tuple[Path, Path]:
    """The HTML and the Markdown page, named by symbol, session and quote; pages of that name are replaced.

    Raises `StoryError`, and `bi.published.NotPublishedError` where nothing has been published.
    """
    story = read_story(settings.published_database, symbol, as_of, quote=quote, since=since)
    # what draws takes seconds to load, and a refusal should not wait for it
    from bi.brief.pictures import draw
    from bi.brief.words import html_page, markdown_page

    name = f"{story.symbol}-{story.session}" + ("" if quote is None else f"-at-{quote:g}")
    pages = {
        settings.data_dir / "briefs" / f"{name}.html": html_page(
            story, draw(PublishedFile(settings.published_database), story)
        ),
        settings.data_dir / "briefs" / f"{name}.md": markdown_page(story),
    }
    beside = {path: path.with_name(f".{path.name}.new") for path in pages}
    for path, page in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside[path].write_text(page, encoding="utf-8")
    for path in pages:
        beside[path].replace(path)
    html, markdown = pages
    return html, markdown


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m bi.brief", description="One page on one miner and one day.")
    parser.add_argument("--symbol", required=True, help="ticker of a covered company, such as CLSK")
    parser.add_argument("--as-of", required=True, type=_day, help="day of the story, YYYY-MM-DD")
    parser.add_argument("--quote", type=_quote, help="price in USD during that session; default is its close")
    parser.add_argument("--since", type=_day, help="first day of the contracts told; default 60 days before")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2025-11-24") from None


def _quote(text: str) -> float:
    try:
        quote = float(text)
    except ValueError:
        quote = 0.0
    if not 0 < quote < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a price in USD above zero")
    return quote


if __name__ == "__main__":
    end_with_reader()
    sys.exit(main())
