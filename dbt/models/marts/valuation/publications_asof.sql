{{ config(materialized='table_macro', parameters=['as_of']) }}

with

company_positions as (

    select * from {{ ref('fct_company_positions').include(database=false) }}

),

assumptions as (

    select * from {{ ref('assumptions_asof').include(database=false) }}(as_of)

),

-- what was known on the day of the publication
assumption_days as (

    select distinct
        assumptions.as_of_date,
        assumptions.as_of_date as position_day
    from assumptions

),

{{ scenario_ctes() }},

on_its_day as (

    select
        scenarios.*,
        greatest(scenarios.gross_power_mw, scenarios.energized_gross_mw) as power_gross_mw
    from scenarios
    where scenarios.is_first_choice

),

on_this_day as (

    select scenarios_now.*
    from {{ ref('scenarios_asof').include(database=false) }}(as_of) as scenarios_now
    where scenarios_now.is_first_choice

),

headlines as (

    select
        snapshots.symbol,
        snapshots.scenario_source_firm,
        snapshots.scenario_as_of_date,
        snapshots.scenario_capacity_basis
    from {{ ref('miner_snapshot_asof').include(database=false) }}(as_of) as snapshots

),

final as (

    select
        on_this_day.symbol,
        on_this_day.as_of_date,
        on_this_day.source_firm,
        on_this_day.business,
        on_this_day.assumption_scope,
        on_this_day.scenario,
        on_this_day.assumption_type,
        on_this_day.value_basis,
        on_this_day.mw_basis,
        on_this_day.usd_per_mw,
        on_this_day.is_in_force,
        on_this_day.is_last_of_firm,
        headlines.symbol is not null as is_headline,
        on_its_day.capacity_basis as then_capacity_basis,
        coalesce(on_its_day.critical_it_mw, on_its_day.gross_mw, on_its_day.unstated_basis_mw) as then_mw,
        on_its_day.power_gross_mw as then_power_gross_mw,
        on_its_day.mw_pct_of_power as then_mw_pct_of_power,
        {{ is_fraction_of_company('on_its_day.mw_pct_of_power') }}
            as then_is_fraction_of_company,
        on_its_day.shares_outstanding as then_shares_outstanding,
        on_its_day.shares_outstanding_as_of_date as then_shares_outstanding_as_of_date,
        on_its_day.gross_value_usd as then_gross_value_usd,
        on_its_day.value_per_share_usd as then_value_per_share_usd,
        on_its_day.price_date as then_price_date,
        on_its_day.close as then_close,
        on_its_day.price_source as then_price_source,
        case
            when not {{ is_fraction_of_company('on_its_day.mw_pct_of_power') }}
                then on_its_day.upside_pct
        end as then_upside_pct,
        on_its_day.scenario_coverage as then_scenario_coverage,
        on_its_day.scenario_is_complete as then_scenario_is_complete,
        on_this_day.capacity_basis as now_capacity_basis,
        coalesce(on_this_day.critical_it_mw, on_this_day.gross_mw, on_this_day.unstated_basis_mw) as now_mw,
        on_this_day.power_gross_mw as now_power_gross_mw,
        on_this_day.mw_pct_of_power as now_mw_pct_of_power,
        {{ is_fraction_of_company('on_this_day.mw_pct_of_power') }}
            as now_is_fraction_of_company,
        on_this_day.shares_outstanding as now_shares_outstanding,
        on_this_day.shares_outstanding_as_of_date as now_shares_outstanding_as_of_date,
        on_this_day.gross_value_usd as now_gross_value_usd,
        on_this_day.value_per_share_usd as now_value_per_share_usd,
        on_this_day.price_date as now_price_date,
        on_this_day.close as now_close,
        on_this_day.price_source as now_price_source,
        case
            when not {{ is_fraction_of_company('on_this_day.mw_pct_of_power') }}
                then on_this_day.upside_pct
        end as now_upside_pct,
        on_this_day.scenario_coverage as now_scenario_coverage,
        on_this_day.scenario_is_complete as now_scenario_is_complete,
        on_this_day.source_url,
        on_this_day.source_tier
    from on_this_day
    inner join on_its_day
        on
            on_this_day.symbol = on_its_day.symbol
            and on_this_day.as_of_date = on_its_day.as_of_date
            and on_this_day.source_firm = on_its_day.source_firm
            and on_this_day.business = on_its_day.business
            and on_this_day.assumption_scope = on_its_day.assumption_scope
            and on_this_day.assumption_type = on_its_day.assumption_type
            and on_this_day.mw_basis = on_its_day.mw_basis
            and on_this_day.scenario = on_its_day.scenario
    left join headlines
        on
            on_this_day.symbol = headlines.symbol
            and on_this_day.source_firm = headlines.scenario_source_firm
            and on_this_day.as_of_date = headlines.scenario_as_of_date
            and on_this_day.capacity_basis = headlines.scenario_capacity_basis
            and on_this_day.business = 'colocation'
            and on_this_day.assumption_type = 'valuation'
            and on_this_day.mw_basis = 'critical_it'

)

select * from final
order by symbol, as_of_date desc, source_firm, business desc, assumption_scope, usd_per_mw
