"""The charts of the page as SVG.

Belongs here: which charts of `bi.charts` go on the page, and making them part of it. Does not belong here: how a chart
looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import altair as alt
import pandas as pd
import vl_convert

from bi import charts, questions
from bi.brief.story import Story
from bi.charts import look
from bi.published import PublishedFile

SESSIONS = 126
"""Half a year of candles: what fits beside the text."""


def draw(file: PublishedFile, story: Story) -> dict[str, str | None]:
    """SVG by name: `price`, `scenarios` and `usd_per_mw`; None where there is nothing to draw."""
    deals = questions.deals(file, story.session)
    published = questions.publications(file, story.symbol, story.session).to_pandas()
    told = {(scenario.as_of_date, scenario.source_firm, scenario.business) for scenario in story.scenarios}
    is_told = [
        (day.date() if hasattr(day, "date") else day, firm, business) in told
        for day, firm, business in zip(
            published["as_of_date"], published["source_firm"], published["business"], strict=True
        )
    ]
    published = published[pd.Series(is_told, dtype=bool) & (published["mw_basis"] == "critical_it")]
    makers: dict[str, Callable[[], alt.LayerChart | alt.VConcatChart]] = {
        "price": lambda: charts.miner_chart(
            questions.bars(file, story.symbol, story.prices_until, SESSIONS),
            _levels(story),
            questions.ratings(file, story.session, story.symbol),
            questions.deals(file, story.session, story.symbol),
            target=story.consensus.mean_price_target if story.consensus else None,
            width=470,
        ),
        "scenarios": lambda: charts.publication_chart(
            published,
            story.price,
            price_name="close" if story.quote is None else "quote",
            is_simulated=story.is_simulated and story.quote is None,
            width=330,
        ),
        "usd_per_mw": lambda: charts.usd_per_mw_chart(deals, width=310),
    }
    return {name: _drawn(make) for name, make in makers.items()}


def _levels(story: Story) -> pd.DataFrame:
    """The levels that the text names, on its side of the quote: the chart must not call a support what it does not."""
    levels = story.technicals.levels if story.technicals else ()
    return pd.DataFrame(
        [
            {
                "level_type": level.side,
                "level_rank": sum(
                    other.side == level.side and abs(other.distance_pct) <= abs(level.distance_pct) for other in levels
                ),
                "level_price": level.level_price,
                "distance_pct": level.distance_pct,
                "touches": level.touches,
            }
            for level in levels
        ],
        columns=["level_type", "level_rank", "level_price", "distance_pct", "touches"],
    )


def themed_by_page(svg: str) -> str:
    """The drawing in the colours of the page, which has one set by day and one by night (`--chart-...`)."""
    for ours in look.THEMES["light"]:
        svg = svg.replace(ours, f"var(--chart-{ours.removeprefix('#')})")
    return svg


def _drawn(make: Callable[[], alt.LayerChart | alt.VConcatChart]) -> str | None:
    try:
        chart = make()
    except charts.ChartError:
        return None
    svg = vl_convert.vegalite_to_svg(chart.to_dict())
    # what it says to a screen reader bar by bar stands in the page's text and tables
    svg = themed_by_page(svg)
    return re.sub(r' (?:aria-[a-z]+|role)="[^"]*"', "", svg).replace("<svg ", '<svg aria-hidden="true" ', 1)
