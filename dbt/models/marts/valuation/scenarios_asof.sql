{{ config(materialized='table_macro', parameters=['as_of']) }}

with

company_positions as (

    select positions.*
    from {{ ref('fct_company_positions').include(database=false) }} as positions
    where {{ position_on('cast(as_of as date)', 'positions') }}

),

assumptions as (

    select * from {{ ref('assumptions_asof').include(database=false) }}(as_of)

),

assumption_days as (

    select distinct
        assumptions.as_of_date,
        cast(as_of as date) as position_day
    from assumptions

),

{{ scenario_ctes() }},

final as (

    select
        scenarios.symbol,
        scenarios.as_of_date,
        scenarios.source_firm,
        scenarios.business,
        scenarios.assumption_scope,
        scenarios.scenario,
        scenarios.capacity_basis,
        scenarios.is_first_choice,
        {{ in_force_on('cast(as_of as date)', 'scenarios.as_of_date') }} as is_in_force,
        scenarios.as_of_date = max(scenarios.as_of_date) over (
            partition by
                scenarios.symbol,
                scenarios.source_firm,
                scenarios.business,
                scenarios.assumption_type,
                scenarios.mw_basis
        ) as is_last_of_firm,
        scenarios.assumption_type,
        scenarios.value_basis,
        scenarios.mw_basis,
        scenarios.usd_per_mw,
        scenarios.critical_it_mw,
        scenarios.gross_mw,
        scenarios.unstated_basis_mw,
        scenarios.gross_value_usd,
        scenarios.net_debt_usd,
        scenarios.btc_value_usd,
        scenarios.equity_value_usd,
        scenarios.sum_of_parts_equity_value_usd,
        scenarios.shares_outstanding,
        scenarios.gross_value_per_share_usd,
        scenarios.value_per_share_usd,
        scenarios.sum_of_parts_value_per_share_usd,
        scenarios.price_date,
        scenarios.close,
        scenarios.price_source,
        scenarios.upside_pct,
        scenarios.scenario_coverage,
        scenarios.scenario_is_complete,
        scenarios.shares_outstanding_as_of_date,
        greatest(scenarios.gross_power_mw, scenarios.energized_gross_mw) as power_gross_mw,
        scenarios.mw_pct_of_power,
        scenarios.assumption_source_url as source_url,
        scenarios.assumption_source_tier as source_tier,
        scenarios.shares_outstanding_source_url,
        scenarios.debt_usd_source_url,
        scenarios.cash_usd_source_url,
        scenarios.btc_held_source_url,
        scenarios.site_source_urls,
        scenarios.deal_source_urls
    from scenarios

)

select * from final
order by symbol, as_of_date desc, source_firm, business, assumption_scope, capacity_basis, usd_per_mw
