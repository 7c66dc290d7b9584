"""What the company is worth: balance sheet, published prices of a megawatt, what the market pays.

Belongs here: facts read from balance sheets, scenarios and valuations. Does not belong here: words and formulas.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bi.brief.reader import Reader


@dataclass(frozen=True)
class BalanceSheet:
    """The latest figure of each kind that was known, with the day it stands for; USD and coins."""

    shares_outstanding: int | None
    shares_outstanding_as_of_date: date | None
    shares_coverage: str
    shares_is_complete: bool
    shares_note: int | None
    cash_usd: float | None
    cash_usd_as_of_date: date | None
    cash_note: int | None
    debt_usd: float | None
    debt_usd_as_of_date: date | None
    debt_note: int | None
    net_debt_usd: float | None
    net_debt_coverage: str
    net_debt_is_complete: bool
    btc_held: float | None
    btc_held_as_of_date: date | None
    btc_coverage: str
    btc_is_complete: bool
    btc_note: int | None


@dataclass(frozen=True)
class Valuation:
    """What the market paid at a close: USD and USD per MW of three kinds."""

    trade_date: date
    market_cap_usd: float | None
    enterprise_value_usd: float | None
    enterprise_value_coverage: str
    enterprise_value_is_complete: bool
    btc_value_usd: float | None
    ev_per_critical_it_mw_usd: float | None
    ev_per_critical_it_mw_coverage: str
    ev_per_critical_it_mw_is_complete: bool
    ev_per_planned_critical_it_mw_usd: float | None
    ev_per_gross_mw_usd: float | None
    contracted_critical_it_mw: float | None
    planned_critical_it_mw: float | None
    gross_power_mw: float | None
    note: int


@dataclass(frozen=True)
class Scenario:
    """A published price of a critical IT MW as a value per share, with what is known on the day and what was then.

    `capacity_basis` is stated (the MW that the publication assumes), planned, contracted or approved_power; the value
    per share has the meaning of the publication and is None where the MW or the shares are not known.
    `against_price_pct` is that value against the quote or close, None where the MW are a fraction of the company.
    """

    as_of_date: date
    source_firm: str
    business: str
    is_for_company: bool
    is_headline: bool
    scenario: str
    usd_per_mw: float
    critical_it_mw: float | None
    capacity_basis: str | None
    mw_pct_of_power: float | None
    is_fraction_of_company: bool
    shares_as_of_date: date | None
    gross_value_usd: float | None
    value_per_share_usd: float | None
    then_critical_it_mw: float | None
    then_value_per_share_usd: float | None
    against_price_pct: float | None
    note: int


def read_balance_sheet(reader: Reader) -> BalanceSheet | None:
    """The latest figure of each kind that was known; None without a report."""
    row = reader.row("select * from capital_asof($session) where symbol = $symbol")
    if row is None:
        return None

    def cited(figure: str, what: str) -> int | None:
        if row[figure] is None:
            return None
        return reader.cite("capital_asof", f"{what} of {row[f'{figure}_as_of_date']}", row[f"{figure}_source_url"])

    names = (
        "shares_outstanding shares_outstanding_as_of_date shares_coverage shares_is_complete cash_usd "
        "cash_usd_as_of_date debt_usd debt_usd_as_of_date net_debt_usd net_debt_coverage net_debt_is_complete btc_held "
        "btc_held_as_of_date btc_coverage btc_is_complete"
    )
    return BalanceSheet(
        **{name: row[name] for name in names.split()},
        shares_note=cited("shares_outstanding", "shares"),
        cash_note=cited("cash_usd", "cash"),
        debt_note=cited("debt_usd", "debt"),
        btc_note=cited("btc_held", "bitcoin"),
    )


def read_scenarios(reader: Reader, price: float | None) -> tuple[Scenario, ...]:
    """The last published prices of a critical IT MW of each firm and business, on the MW known on the day.

    Figures that do not say which MW they mean, and those for gross MW, meet no critical IT MW and are left out.
    """
    rows = reader.rows(
        """
        select
            as_of_date, source_firm, business, assumption_scope = 'company' as is_for_company, is_headline, scenario,
            usd_per_mw, now_mw as critical_it_mw,
            case when now_mw is not null then now_capacity_basis end as capacity_basis,
            now_mw_pct_of_power as mw_pct_of_power, now_is_fraction_of_company as is_fraction_of_company,
            now_shares_outstanding_as_of_date as shares_as_of_date,
            now_gross_value_usd as gross_value_usd, now_value_per_share_usd as value_per_share_usd,
            then_mw as then_critical_it_mw, then_value_per_share_usd,
            case
                when not now_is_fraction_of_company then 100 * (now_value_per_share_usd / $price - 1)
            end as against_price_pct,
            source_url
        from publications_asof($session)
        where
            symbol = $symbol
            and assumption_type = 'valuation' and mw_basis = 'critical_it'
            and is_in_force and is_last_of_firm
        order by is_headline desc, as_of_date desc, source_firm, business desc, usd_per_mw
        """,
        price=price,
    )
    return tuple(
        Scenario(
            **{name: value for name, value in row.items() if name != "source_url"},
            note=reader.cite(
                "publications_asof",
                f"{row['source_firm']}, {row['as_of_date']}, on the MW and the shares known then and now",
                row["source_url"],
            ),
        )
        for row in rows
    )


def read_valuation(reader: Reader) -> Valuation | None:
    """What the market paid at the last close; None without a price."""
    row = reader.row(
        """
        select
            trade_date, market_cap_usd, enterprise_value_usd, enterprise_value_coverage,
            enterprise_value_is_complete, btc_value_usd,
            ev_per_critical_it_mw_usd, ev_per_critical_it_mw_coverage, ev_per_critical_it_mw_is_complete,
            ev_per_planned_critical_it_mw_usd, ev_per_gross_mw_usd,
            contracted_critical_it_mw, planned_critical_it_mw, gross_power_mw
        from fct_miner_valuation_daily where symbol = $symbol and trade_date <= $prices_until
        order by trade_date desc limit 1
        """
    )
    if row is None:
        return None
    return Valuation(**row, note=reader.cite("fct_miner_valuation_daily", f"at the close of {row['trade_date']}"))
