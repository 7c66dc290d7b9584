with

positions as (

    select * from {{ ref('fct_company_positions') }}

),

final as (

    select
        symbol,
        position_date as trade_date,
        close,
        price_source,
        shares_outstanding,
        shares_outstanding_as_of_date,
        shares_outstanding_known_date,
        market_cap_usd,
        diluted_shares,
        diluted_market_cap_usd,
        cash_usd,
        cash_usd_as_of_date,
        debt_usd,
        debt_usd_as_of_date,
        net_debt_usd,
        btc_held,
        btc_close,
        btc_value_usd,
        enterprise_value_usd,
        enterprise_value_ex_btc_usd,
        contracted_critical_it_mw,
        planned_critical_it_mw,
        gross_power_mw,
        energized_gross_mw,
        ev_per_critical_it_mw_usd,
        ev_per_critical_it_mw_coverage,
        ev_per_critical_it_mw_is_complete,
        ev_per_planned_critical_it_mw_usd,
        ev_per_gross_mw_usd,
        ev_per_energized_gross_mw_usd,
        contracted_revenue_usd,
        ev_to_contracted_revenue,
        shares_coverage,
        shares_is_complete,
        net_debt_coverage,
        net_debt_is_complete,
        btc_coverage,
        btc_is_complete,
        enterprise_value_coverage,
        enterprise_value_is_complete,
        contracted_critical_it_mw_coverage,
        contracted_critical_it_mw_is_complete,
        planned_critical_it_mw_coverage,
        planned_critical_it_mw_is_complete,
        gross_power_mw_coverage,
        gross_power_mw_is_complete,
        energized_gross_mw_coverage,
        energized_gross_mw_is_complete,
        contracted_revenue_coverage,
        contracted_revenue_is_complete,
        known_date_is_estimated,
        shares_outstanding_source_url,
        cash_usd_source_url,
        debt_usd_source_url,
        btc_held_source_url,
        site_source_urls,
        deal_source_urls
    from positions
    -- a day with a price of its own
    where price_date = position_date

)

select * from final
