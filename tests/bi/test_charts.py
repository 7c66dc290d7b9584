"""The charts show what the frame says, are valid, need no browser and no network, and refuse what they cannot draw."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import pytest

from bi import charts
from bi.charts import contracts, look, price, worth

PNG = b"\x89PNG\r\n\x1a\n"
DAY = date(2025, 3, 3)


def _bars(days: int = 30) -> pd.DataFrame:
    """Weekdays from a Monday on; the fifth session has no bar."""
    sessions = [day for day in (DAY + timedelta(days=i) for i in range(2 * days)) if day.weekday() < 5][:days]
    frame = pd.DataFrame(
        {
            "trade_date": sessions,
            "open": [10.0 + i for i in range(days)],
            "high": [11.5 + i for i in range(days)],
            "low": [9.5 + i for i in range(days)],
            "close": [11.0 + i for i in range(days)],
            "volume": [1_000_000 + i for i in range(days)],
            "sma_50": [10.5] * days,
            "sma_200": [None] * days,
            "rsi_14": [61.25] * days,
            "price_source": ["files"] * days,
        }
    )
    frame.loc[4, ["open", "high", "low", "close", "volume", "sma_50", "rsi_14", "price_source"]] = None
    return frame


def _levels() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "level_type": ["support", "resistance"],
            "level_rank": [1, 1],
            "level_price": [37.5, 41.25],
            "distance_pct": [-6.25, 3.125],
            "touches": [3, 2],
        }
    )


def _ratings(*days: date) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "rating_date": list(days),
            "firm": ["A Bank"] * len(days),
            "action": ["upgrade"] * len(days),
            "from_rating": [None] * len(days),
            "to_rating": ["Buy"] * len(days),
            "price_target_prior": [None] * len(days),
            "price_target_new": [14.0] * len(days),
        }
    )


def _deals() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "announced_date": [DAY, DAY + timedelta(days=40), DAY + timedelta(days=90)],
            "symbol": ["AAA", "BBB", "AAA"],
            "counterparty": ["Tenant", None, "Tenant"],
            "business": ["colocation", "cloud", "colocation"],
            "is_firm": [True, True, True],
            "contract_value_usd": [3.5e9, 9.7e9, None],
            "critical_it_mw": [200.0, 200.0, 70.0],
            "term_years": [12.0, 5.0, None],
            "usd_per_critical_it_mw": [17.5e6, 48.5e6, None],
            "usd_per_critical_it_mw_year": [17.5e6 / 12, None, None],
            "cumulative_contract_value_usd": [3.5e9, 13.2e9, 13.2e9],
            "cumulative_critical_it_mw": [200.0, 400.0, 470.0],
        }
    )


def _publications() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "as_of_date": [DAY] * 3,
            "source_firm": ["A Bank"] * 3,
            "business": ["colocation"] * 3,
            "scenario": ["low", "point", "high"],
            "mw_basis": ["critical_it"] * 3,
            "usd_per_mw": [8e6, 13e6, 17e6],
            "now_capacity_basis": ["stated"] * 3,
            "now_mw": [200.0] * 3,
            "now_mw_pct_of_power": [19.4] * 3,
            "now_is_fraction_of_company": [True] * 3,
            "now_value_per_share_usd": [5.69, 9.25, 12.1],
            "then_mw": [100.0] * 3,
            "then_value_per_share_usd": [2.85, 4.63, 6.05],
        }
    )


DRAWN: dict[str, Callable[[], alt.LayerChart | alt.VConcatChart]] = {
    "miner": lambda: charts.miner_chart(_bars(), _levels(), _ratings(DAY)),
    "deal flow": lambda: charts.deal_flow_chart(_deals(), DAY + timedelta(days=120)),
    "usd per mw": lambda: charts.usd_per_mw_chart(_deals()),
    "scenarios": lambda: charts.publication_chart(_publications(), 11.08),
}


def _values(chart: alt.LayerChart | alt.VConcatChart, column: str) -> list[Any]:
    """What the chart holds under that name, in all its data."""
    datasets = chart.to_dict()["datasets"].values()
    return [row[column] for rows in datasets for row in rows if row.get(column) is not None]


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
def test_a_chart_is_valid_has_no_background_and_renders_offline(
    drawn: Callable[[], alt.LayerChart | alt.VConcatChart],
) -> None:
    chart = drawn()
    assert chart.to_dict()["config"]["background"] == "transparent"
    picture = io.BytesIO()
    chart.save(picture, format="png")
    assert picture.getvalue().startswith(PNG)
    assert len(picture.getvalue()) > 5_000
    drawing = io.StringIO()
    chart.save(drawing, format="svg")
    assert "<svg" in drawing.getvalue()
    assert "http" not in drawing.getvalue().replace("http://www.w3.org/", "")


def test_the_miner_chart_holds_bars_levels_and_notes() -> None:
    chart = charts.miner_chart(pa.Table.from_pandas(_bars()), _levels(), _ratings(DAY + timedelta(days=5)))
    assert 40.0 in _values(chart, "close")
    assert {37.5, 41.25} <= set(_values(chart, "level_price"))
    assert {"S1 37.50 (-6.2 %)", "R1 41.25 (+3.1 %)"} == set(_values(chart, "label"))
    assert _values(chart, "said") == ["not known → Buy"]
    # a note of a Saturday stands at the Monday after
    assert set(_values(chart, "rating_date")) == {"2025-03-08"}
    assert "2025-03-10" in [
        row["trade_date"] for rows in chart.to_dict()["datasets"].values() for row in rows if "firm" in row
    ]


def test_a_session_without_a_bar_keeps_its_place_on_the_axis_and_a_weekend_has_none() -> None:
    spec = charts.miner_chart(_bars(), _levels(), _ratings()).to_dict()
    assert len(spec["vconcat"]) == 3, "price, volume and RSI: without notes there is no panel for them"
    places = {
        row["trade_date"]
        for rows in spec["datasets"].values()
        for row in rows
        if "rsi_14" in row and "trade_date" in row
    }
    assert "2025-03-07" in places
    assert "2025-03-08" not in places


def test_prices_of_the_sample_are_called_simulated() -> None:
    assert look.SIMULATED in charts.miner_chart(_bars().assign(price_source="sample"), _levels(), _ratings()).to_json()
    assert look.SIMULATED not in charts.miner_chart(_bars(), _levels(), _ratings()).to_json()
    assert "close 11.08 (simulated)" in charts.publication_chart(_publications(), 11.08, is_simulated=True).to_json()
    assert "simulated" not in charts.publication_chart(_publications(), 11.08).to_json()


def test_closes_alone_are_a_line() -> None:
    closes = _bars().assign(open=None, high=None, low=None)
    spec = charts.miner_chart(closes, _levels(), _ratings()).to_dict()
    marks = [layer["mark"]["type"] for layer in spec["vconcat"][0]["layer"]]
    assert "rect" not in marks
    assert "line" in marks


def test_a_firm_deal_stands_beside_the_notes_with_its_size() -> None:
    chart = charts.miner_chart(_bars(), _levels(), _ratings(), _deals()[:1].assign(is_firm=[True]))
    assert "200 critical IT MW, USD 3.5 bn" in _values(chart, "said")
    without = charts.miner_chart(_bars(), _levels(), _ratings(), _deals()[:1].assign(is_firm=[False]))
    assert "200 critical IT MW, USD 3.5 bn" not in _values(without, "said")


def test_a_target_is_drawn_where_it_is_near_and_a_logarithm_is_asked_for() -> None:
    near = charts.miner_chart(_bars(), _levels(), _ratings(), target=20.0, target_of="target of one firm")
    assert "target of one firm 20.00" in _values(near, "said")
    assert "target" not in charts.miner_chart(_bars(), _levels(), _ratings(), target=500.0).to_json()
    assert '"log"' in charts.miner_chart(_bars(), _levels(), _ratings(), is_log=True).to_json()


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize(("target", "side"), [(20.0, "bottom"), (44.0, "top")])
def test_the_words_of_a_target_stay_in_the_frame(target: float, side: str, is_log: bool) -> None:
    """They stand above their line, below it where the line is the top of the panel."""
    spec = charts.miner_chart(_bars(), _levels(), _ratings(), target=target, is_log=is_log).to_dict()
    (words,) = [
        layer["mark"]
        for layer in spec["vconcat"][0]["layer"]
        if layer["encoding"].get("text") == {"field": "said", "type": "nominal"}
    ]
    assert words["baseline"] == side


def test_a_part_of_the_company_is_called_one_and_then_stands_beside_now() -> None:
    chart = charts.publication_chart(_publications(), 11.08)
    assert any("19 % of the power" in name for name in _values(chart, "publication"))
    assert _values(chart, "then_value_per_share_usd")[:3] == [2.85, 4.63, 6.05]


@pytest.mark.parametrize(("theme", "ground"), [("light", "#ffffff"), ("dark", "#171614")])
def test_every_colour_of_a_theme_is_legible_on_its_ground(theme: str, ground: str) -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colour in look.THEMES[theme].values():
        low, high = sorted((luminance(colour), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


def test_a_deal_without_a_figure_lifts_nothing_and_is_marked() -> None:
    chart = charts.deal_flow_chart(_deals(), DAY + timedelta(days=120))
    assert max(_values(chart, "cumulative_value_usd_bn")) == pytest.approx(13.2)
    stated = [
        (row["symbol"], row["is_stated"])
        for rows in chart.to_dict()["datasets"].values()
        for row in rows
        if "is_stated" in row
    ]
    assert stated.count(("AAA", False)) == 1


def test_a_deal_that_is_not_firm_is_not_in_the_flow() -> None:
    deals = _deals()
    deals.loc[1, "is_firm"] = False
    assert "BBB" not in _values(charts.deal_flow_chart(deals, DAY + timedelta(days=120)), "symbol")


def test_a_price_per_mw_is_in_millions_and_a_deal_without_one_is_left_out() -> None:
    assert sorted(_values(charts.usd_per_mw_chart(_deals()), "usd_m_per_mw")) == [17.5, 48.5]


def test_one_outlier_does_not_flatten_the_rest() -> None:
    def is_log(chart: alt.LayerChart | alt.VConcatChart) -> bool:
        return '"log"' in chart.to_json() and ", logarithmic" in chart.to_json()

    deals = pd.concat([_deals()[:2]] * 3, ignore_index=True)
    assert not is_log(charts.usd_per_mw_chart(deals))
    deals.loc[0, "usd_per_critical_it_mw"] = 900e6
    assert is_log(charts.usd_per_mw_chart(deals))
    published = _publications()
    assert not is_log(charts.publication_chart(published, 11.08))
    published.loc[2, "now_value_per_share_usd"] = 500.0
    assert is_log(charts.publication_chart(published, 11.08))


def test_all_panels_of_the_miner_chart_are_zoomed_together() -> None:
    spec = charts.miner_chart(_bars(), _levels(), _ratings(DAY)).to_dict()
    assert [param["name"] for param in spec["params"] if param.get("bind") == "scales"] == ["zoom"]
    assert spec["resolve"]["scale"]["x"] == "shared"


def test_scenarios_stand_against_the_close_or_alone() -> None:
    assert _values(charts.publication_chart(_publications(), 11.08), "close") == [11.08]
    assert _values(charts.publication_chart(_publications(), None), "close") == []
    assert _values(charts.publication_chart(_publications(), None), "now_value_per_share_usd") == [5.69, 9.25, 12.1]


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        (lambda: charts.miner_chart(_bars()[:0], _levels(), _ratings()), "no bar"),
        (lambda: charts.miner_chart(_bars().drop(columns="rsi_14"), _levels(), _ratings()), "lacks rsi_14"),
        (lambda: charts.deal_flow_chart(_deals().assign(is_firm=False), DAY), "no firm deal"),
        (lambda: charts.usd_per_mw_chart(_deals()[2:]), "no deal states both"),
        (
            lambda: charts.publication_chart(_publications().assign(now_value_per_share_usd=None), 11.08),
            "no published value",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(drawn: Callable[[], object], said: str) -> None:
    with pytest.raises(charts.ChartError, match=said):
        drawn()


def test_names_and_labels_do_not_cover_each_other() -> None:
    assert price._spread([1.0, 1.1, 5.0], gap=1.0) == [1.0, 2.0, 5.0]
    assert price._spread([4.0, 4.5, 5.0], gap=1.0, top=5.0) == [3.0, 4.0, 5.0], "none leaves the frame"
    assert price._lanes([(0, 10), (5, 15), (11, 20)]) == [1, 2, 1]
    assert contracts._name_places([100.0, 110.0], [50.0, 50.0]) == ["above", "below"]
    assert contracts._name_places([100.0] * 9, [50.0] * 9).count("none") >= 5, "better no name than one on another"


@pytest.mark.parametrize(
    ("values", "close", "expected"),
    [
        ([41.25, 46.11], 5.0, [(41.25, False, "41.25 to 46.11")]),
        ([41.25, 46.11], 47.0, [(46.11, True, "41.25 to 46.11")]),
        ([41.25, 46.11], None, [(41.25, False, "41.25 to 46.11")]),
        ([20.0, 60.0], 5.0, [(20.0, True, "20.00"), (60.0, False, "60.00")]),
        ([20.0, 60.0], 17.0, [(20.0, False, "20.00"), (60.0, False, "60.00")]),
        ([20.0, 60.0], 63.0, [(20.0, True, "20.00"), (60.0, True, "60.00")]),
        ([1.0, 60.0], 5.0, [(1.0, False, "1.00"), (60.0, False, "60.00")]),
    ],
)
def test_a_figure_stands_beside_the_line_of_the_close(
    values: list[float], close: float | None, expected: list[tuple[float, bool, str]]
) -> None:
    """On its other side where there is room; a figure beside the axis stays where it is."""
    rows = pd.DataFrame({"publication": "a", "now_value_per_share_usd": values})
    labels = worth._labels(rows, [0.0, 100.0], close, 330, is_log=False)
    assert list(labels[["at", "is_left", "label"]].itertuples(index=False, name=None)) == expected
