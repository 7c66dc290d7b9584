"""What was signed and what stands behind it: contracts, capacity, sites.

Belongs here: facts read from deals and sites. Does not belong here: words, sums and shares (the marts hold them).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from bi.brief.reader import Reader


@dataclass(frozen=True)
class Deal:
    """A contract: whole, not the company's share; base term; None where the announcement does not say."""

    announced_date: date
    symbol: str
    counterparty: str | None
    deal_type: str
    site: str | None
    critical_it_mw: float | None
    gross_mw: float | None
    contract_value_usd: float | None
    term_years: float | None
    usd_per_critical_it_mw: float | None
    is_firm: bool
    note: int


@dataclass(frozen=True)
class Deals:
    """The contracts since a day and the sums over the firm ones that state the figure."""

    since: date
    rows: tuple[Deal, ...]
    companies: int
    contract_value_usd: float | None
    critical_it_mw: float | None
    without_value: int
    without_critical_it_mw: int
    own_deals: int
    own_contract_value_usd: float | None
    own_critical_it_mw: float | None
    note: int


@dataclass(frozen=True)
class Capacity:
    """What the company has at its share. Critical IT MW and gross MW are different things and are never added."""

    known_from_date: date
    deals: int
    contracted_critical_it_mw: float | None
    contracted_critical_it_mw_coverage: str
    contracted_critical_it_mw_is_complete: bool
    planned_critical_it_mw: float | None
    planned_critical_it_mw_coverage: str
    planned_critical_it_mw_is_complete: bool
    gross_power_mw: float | None
    gross_power_mw_coverage: str
    gross_power_mw_is_complete: bool
    energized_gross_mw: float | None
    contracted_revenue_usd: float | None
    contracted_revenue_coverage: str
    contracted_revenue_is_complete: bool
    note: int


@dataclass(frozen=True)
class Site:
    """The last report on one site (or the company total): grid power in gross MW, IT load in critical IT MW."""

    site: str
    is_company_total: bool
    known_date: date
    power_contracted_mw: float | None
    power_energized_mw: float | None
    critical_it_mw_planned: float | None
    critical_it_mw_contracted: float | None
    use: str | None
    energization_date: date | None
    note: int


def read_deals(reader: Reader, since: date) -> Deals:
    """The contracts of all companies from `since` to the session."""
    rows = reader.rows("select * from deal_flow($since, $session)")
    symbol = reader.known["symbol"]
    own = [row for row in rows if row["symbol"] == symbol]
    sums = reader.cite("deal_flow", f"{since} to {reader.known['session']}")
    names = (
        "announced_date symbol counterparty deal_type site critical_it_mw gross_mw contract_value_usd term_years "
        "usd_per_critical_it_mw is_firm"
    ).split()
    return Deals(
        since=since,
        rows=tuple(
            Deal(
                **{name: row[name] for name in names},
                note=reader.cite("deal_flow", f"{row['symbol']}, announced {row['announced_date']}", row["source_url"]),
            )
            for row in rows
        ),
        companies=rows[0]["all_companies"] if rows else 0,
        contract_value_usd=rows[0]["all_contract_value_usd"] if rows else None,
        critical_it_mw=rows[0]["all_critical_it_mw"] if rows else None,
        without_value=rows[0]["all_deals_without_value"] if rows else 0,
        without_critical_it_mw=rows[0]["all_deals_without_critical_it_mw"] if rows else 0,
        own_deals=own[0]["company_deals"] if own else 0,
        own_contract_value_usd=own[0]["company_contract_value_usd"] if own else None,
        own_critical_it_mw=own[0]["company_critical_it_mw"] if own else None,
        note=sums,
    )


def read_capacity(reader: Reader) -> Capacity | None:
    """What the company has at its share; None where no site and no contract is known."""
    row = reader.row(
        """
        select
            known_from_date, deals, contracted_critical_it_mw, contracted_critical_it_mw_coverage,
            contracted_critical_it_mw_is_complete, planned_critical_it_mw, planned_critical_it_mw_coverage,
            planned_critical_it_mw_is_complete, gross_power_mw, gross_power_mw_coverage, gross_power_mw_is_complete,
            energized_gross_mw, contracted_revenue_usd, contracted_revenue_coverage, contracted_revenue_is_complete
        from capacity_asof($session)
        where symbol = $symbol
        """
    )
    if row is None:
        return None
    return Capacity(**row, note=reader.cite("capacity_asof", f"known since {row['known_from_date']}"))


def read_sites(reader: Reader) -> tuple[Site, ...]:
    """The last report on each site, the largest first."""
    rows = reader.rows(
        """
        select
            site, is_company_total, known_date, power_contracted_mw, power_energized_mw, critical_it_mw_planned,
            critical_it_mw_contracted, use, energization_date, source_url
        from sites_asof($session)
        where symbol = $symbol and recency = 1
        order by is_company_total, power_contracted_mw desc nulls last, site
        """
    )
    return tuple(
        Site(
            **{name: value for name, value in row.items() if name != "source_url"},
            note=reader.cite("sites_asof", f"{row['site']}, {row['known_date']}", row["source_url"]),
        )
        for row in rows
    )
