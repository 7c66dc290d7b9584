{{ config(materialized='table_macro', parameters=['as_of']) }}

with

capacity_known as (

    select * from {{ ref('fct_capacity_known').include(database=false) }}

)

-- not until when: that was not known then
select
    capacity_known.symbol,
    capacity_known.known_from_date,
    capacity_known.deals,
    capacity_known.deals_without_value,
    capacity_known.deals_without_critical_it_mw,
    capacity_known.last_deal_date,
    capacity_known.contracted_critical_it_mw,
    capacity_known.contracted_critical_it_mw_coverage,
    capacity_known.contracted_critical_it_mw_is_complete,
    capacity_known.contracts_critical_it_mw,
    capacity_known.company_total_critical_it_mw,
    capacity_known.contracted_critical_it_mw_difference,
    capacity_known.contracted_gross_mw,
    capacity_known.planned_critical_it_mw,
    capacity_known.planned_critical_it_mw_coverage,
    capacity_known.planned_critical_it_mw_is_complete,
    capacity_known.gross_power_mw,
    capacity_known.gross_power_mw_coverage,
    capacity_known.gross_power_mw_is_complete,
    capacity_known.energized_gross_mw,
    capacity_known.energized_gross_mw_coverage,
    capacity_known.energized_gross_mw_is_complete,
    capacity_known.contracted_revenue_usd,
    capacity_known.contracted_revenue_coverage,
    capacity_known.contracted_revenue_is_complete,
    capacity_known.contracted_critical_it_mw_source_urls,
    capacity_known.site_source_urls,
    capacity_known.deal_source_urls
from capacity_known
where {{ known_on('cast(as_of as date)', 'capacity_known') }}
order by capacity_known.symbol
