with

company_positions as (

    select * from {{ ref('fct_company_positions') }}

),

assumptions as (

    select * from {{ ref('fct_mw_assumptions_history') }}
    where is_current

),

-- what was known on the day of the publication
assumption_days as (

    select distinct
        as_of_date,
        as_of_date as position_day
    from assumptions

),

{{ scenario_ctes() }},

final as (

    select
        symbol,
        as_of_date,
        source_firm,
        business,
        assumption_scope,
        scenario,
        capacity_basis,
        is_first_choice,
        assumption_type,
        value_basis,
        mw_basis,
        usd_per_mw,
        critical_it_mw,
        gross_mw,
        unstated_basis_mw,
        gross_value_usd,
        net_debt_usd,
        btc_value_usd,
        equity_value_usd,
        sum_of_parts_equity_value_usd,
        shares_outstanding,
        gross_value_per_share_usd,
        value_per_share_usd,
        sum_of_parts_value_per_share_usd,
        price_date,
        close,
        price_source,
        upside_pct,
        scenario_coverage,
        scenario_is_complete,
        shares_coverage,
        shares_is_complete,
        net_debt_coverage,
        net_debt_is_complete,
        btc_coverage,
        btc_is_complete,
        assumption_source_url as source_url,
        assumption_source_tier as source_tier,
        shares_outstanding_source_url,
        debt_usd_source_url,
        cash_usd_source_url,
        btc_held_source_url,
        site_source_urls,
        deal_source_urls
    from scenarios

)

select * from final
