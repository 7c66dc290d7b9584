{{ config(materialized='table_macro', parameters=['as_of']) }}

with

economics as (

    select * from {{ ref('fct_lease_economics').include(database=false) }}

)

select
    economics.deal_id,
    economics.symbol,
    economics.counterparty,
    economics.announced_date,
    coalesce(economics.stood_to_date > cast(as_of as date), true) as is_standing,
    economics.critical_it_mw,
    economics.term_years,
    economics.rent_usd_per_critical_it_mw_year,
    economics.operating_margin_pct,
    economics.noi_usd_per_critical_it_mw_year,
    economics.build_cost_basis,
    economics.build_cost_usd_per_critical_it_mw,
    economics.yield_on_cost_pct,
    economics.cap_rate_pct,
    economics.cap_rate_origin,
    economics.capitalised_value_usd_per_critical_it_mw,
    economics.value_over_cost_usd_per_critical_it_mw,
    economics.loan_rate_pct,
    economics.loan_share_of_cost_pct,
    economics.debt_service_usd_per_critical_it_mw_year,
    economics.unlevered_return_pct,
    economics.levered_return_pct,
    economics.warrant_shares_per_critical_it_mw,
    economics.warrant_dilution_pct,
    economics.source_url,
    economics.operating_margin_source_url,
    economics.cap_rate_source_url,
    economics.loan_rate_source_url
from economics
where {{ believed_on('cast(as_of as date)', 'economics') }}
order by
    economics.announced_date desc,
    economics.deal_id,
    economics.operating_margin_pct,
    economics.cap_rate_pct,
    economics.loan_rate_pct
