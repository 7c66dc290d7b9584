"""How facts are said: numbers and dates in plain English, and the two ways of marking up a page.

Belongs here: formats and escaping. Does not belong here: sentences (`templates`) and facts (`story`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bi.brief.story import Story
from bi.charts import look
from bi.wording import in_words

NOT_KNOWN = "not known"
_MARKDOWN = re.compile(r"([\\`*_\[\]|~])")


def day(value: date) -> str:
    """A date as people write it: 24 Nov 2025."""
    return f"{value.day} {value:%b %Y}"


def usd(value: float) -> str:
    """A price: $11.23."""
    return f"${value:,.2f}"


def money(value: float) -> str:
    """An amount in words of its size: $9.70 bn, $835.1m."""
    sign, size = ("−" if value < 0 else ""), abs(value)
    return f"{sign}${size / 1e9:,.2f} bn" if round(size / 1e6, 1) >= 1000 else f"{sign}${size / 1e6:,.1f}m"


def count(value: float) -> str:
    """MW or coins: 1,030, 167.5."""
    return f"{value:,.1f}".removesuffix(".0")


def signed(value: float) -> str:
    """A change with its sign: +15.4%; what rounds to nothing has none."""
    return f"{points(value)}%"


def points(value: float) -> str:
    """A difference of two changes, in percentage points."""
    return "0.0" if round(value, 1) == 0 else f"{value:+.1f}".replace("-", "−")


def tenant(name: str | None) -> str:
    """Who a contract is with, within a sentence: `Undisclosed hyperscaler` is an undisclosed hyperscaler."""
    if name is None:
        return "a tenant that is not named"
    return f"an undisclosed {name.removeprefix('Undisclosed ')}" if name.startswith("Undisclosed ") else name


def against(value: float) -> str:
    """Where one price stands against another: 28.6% below."""
    size = f"{abs(value):.1f}"
    return "level with" if size == "0.0" else f"{size}% {'above' if value > 0 else 'below'}"


def html_page(story: Story, pictures: Mapping[str, str | None]) -> str:
    """The page with its pictures (name to SVG) inside; needs nothing from anywhere."""
    environment = _environment(None)
    environment.globals |= {
        "cite": lambda *numbers: Markup("").join(
            Markup('<sup><a href="#note-{0}">{0}</a></sup>').format(number) for number in numbers if number
        ),
        "strong": lambda text: Markup("<strong>{}</strong>").format(text),
        "colours": _colours,
    }
    # drawn from our own charts, in which Vega has escaped the texts
    drawn = {name: Markup(svg) if svg else None for name, svg in pictures.items()}  # noqa: S704
    return environment.get_template("brief.html.j2").render(s=story, pictures=drawn)


def _colours(theme: str) -> str:
    return " ".join(f"--chart-{ours.removeprefix('#')}: {theirs};" for ours, theirs in look.THEMES[theme].items())


def markdown_page(story: Story) -> str:
    """The page as Markdown, without pictures."""
    environment = _environment(_escaped_for_markdown)
    environment.globals |= {
        "cite": lambda *numbers: Markup("").join(Markup("[{}]").format(number) for number in numbers if number),
        "strong": lambda text: Markup("**{}**").format(_escaped_for_markdown(text)),
    }
    page = environment.get_template("brief.md.j2").render(s=story)
    page = re.sub(r"\n (?=\S)", " ", page)  # a sentence that goes on in the next line of its template
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"


def _escaped_for_markdown(value: Any) -> Any:  # noqa: ANN401 - whatever a template says
    """Text that Markdown takes as text; what a template or macro has made is left as it is."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    text = re.sub(r"\s+", " ", value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(_MARKDOWN.sub(r"\\\1", text))  # noqa: S704 - escaped in the line before


def _environment(finalize: Callable[[Any], Any] | None) -> Environment:
    environment = Environment(
        loader=PackageLoader("bi.brief"),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for speak in (day, usd, money, count, signed, points, against):
        environment.filters[speak.__name__] = _or_not_known(speak)
    environment.filters |= {"safe_link": _safe_link, "code": _code, "site_name": _site_name, "or_dash": _or_dash}
    environment.filters |= {"tenant": tenant, "in_words": in_words}
    return environment


def _or_not_known(speak: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: NOT_KNOWN if value is None else speak(value)


def _or_dash(said: str) -> str:
    """For narrow columns, below which the dash is explained."""
    return "–" if said == NOT_KNOWN else said


def _code(name: str) -> Markup:
    return Markup(re.sub(r"\W", "", name))  # noqa: S704 - letters, digits and underscores


def _site_name(url: str) -> str:
    return (urlsplit(url).hostname or url).removeprefix("www.")


def _safe_link(url: str | None) -> Markup | None:
    """A web address that is only that: anything else is no link."""
    if url is None or not re.fullmatch(r"https?://[^\s<>\"'()\[\]\\`]+", url):
        return None
    return escape(url)
