"""Which columns identify a row of each mart, and which name a row of another.

Belongs here: the grain, where all its columns are always filled, so that PostgreSQL can hold it as a primary key.
Does not belong here: the `*_history` tables and `data_quality_results`, whose grain contains dates that stay open.
"""

REFERENCES = {"symbol": "dim_miners", "deal_id": "fct_hpc_deals"}
"""Columns that name a row of another mart, by the mart whose key they are."""

KEYS: dict[str, tuple[str, ...]] = {
    "coverage_by_company": ("symbol", "as_of_date", "input"),
    "dim_miners": ("symbol",),
    "dim_sessions": ("session_date",),
    "fct_capacity_known": ("symbol", "known_from_date"),
    "fct_capital_findings": ("rule", "symbol", "found_date", "subject"),
    "fct_capital_known": ("symbol", "known_from_date"),
    "fct_capital_structure": ("symbol", "period_end_date"),
    "fct_company_positions": ("symbol", "position_date"),
    "fct_consensus_daily": ("symbol", "trade_date"),
    "fct_daily_technicals": ("symbol", "trade_date"),
    "fct_deal_findings": ("rule", "symbol", "found_date", "subject"),
    "fct_hpc_deals": ("deal_id",),
    "fct_lease_dcf": (
        "deal_id",
        "discount_rate_pct",
        "operating_margin_pct",
        "build_cost_basis",
        "build_cost_usd_per_critical_it_mw",
    ),
    "fct_lease_economics": (
        "deal_id",
        "believed_from_date",
        "operating_margin_pct",
        "cap_rate_pct",
        "loan_rate_pct",
    ),
    "fct_miner_valuation_daily": ("symbol", "trade_date"),
    "fct_mw_scenarios": (
        "symbol",
        "as_of_date",
        "source_firm",
        "business",
        "assumption_scope",
        "scenario",
        "capacity_basis",
    ),
    "fct_price_events": ("symbol", "trade_date", "event_type"),
    "fct_price_findings": ("rule", "symbol", "found_date", "subject"),
    "fct_price_levels": ("symbol", "trade_date", "level_type", "level_rank"),
    "fct_published_totals": ("as_of_date", "publisher", "tickers", "measure"),
    "fct_rating_changes": ("symbol", "rating_date", "firm"),
    "fct_rating_findings": ("rule", "symbol", "found_date", "subject"),
    "fct_site_capacity": ("symbol", "site", "known_date"),
    "publication": ("table_name",),
    "miner_snapshot": ("symbol",),
    "sector_deal_flow": ("month",),
}
