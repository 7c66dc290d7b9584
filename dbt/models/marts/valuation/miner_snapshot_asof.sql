{{ config(materialized='table_macro', parameters=['as_of']) }}

with

miners as (

    select * from {{ ref('dim_miners').include(database=false) }}

),

sessions as (

    select * from {{ ref('dim_sessions').include(database=false) }}

),

technicals as (

    select * from {{ ref('fct_daily_technicals').include(database=false) }}

),

levels as (

    select * from {{ ref('fct_price_levels').include(database=false) }}

),

company_positions as (

    select * from {{ ref('fct_company_positions').include(database=false) }}

),

-- the session asked for: one that is over, and not after the last one that any of these companies
-- has a price for
asked_session as (

    select max(sessions.session_date) as asked_session_date
    from sessions
    where
        sessions.session_date <= cast(as_of as date)
        and sessions.is_complete
        and sessions.session_date <= coalesce(
            (
                select max(miners.last_price_date)
                from miners
                where miners.is_covered_company
            ),
            cast(as_of as date)
        )

),

positions as (

    select
        company_positions.*,
        asked_session.asked_session_date
    from company_positions
    inner join asked_session
        on {{ position_on(
            'coalesce(asked_session.asked_session_date, cast(as_of as date))', 'company_positions'
        ) }}

),

indicators as (

    select
        technicals.symbol,
        technicals.change_pct,
        technicals.sma_50,
        technicals.pct_vs_sma_50,
        technicals.sma_200,
        technicals.pct_vs_sma_200,
        technicals.rsi_14,
        technicals.rsi_zone,
        technicals.high_52w,
        technicals.pct_from_52w_high
    from technicals
    inner join positions
        on technicals.symbol = positions.symbol and technicals.trade_date = positions.price_date

),

nearest_levels as (

    select
        levels.symbol,
        max(case when levels.level_type = 'support' then levels.level_price end) as nearest_support,
        max(case when levels.level_type = 'support' then levels.distance_pct end)
            as nearest_support_pct,
        max(case when levels.level_type = 'resistance' then levels.level_price end)
            as nearest_resistance,
        max(case when levels.level_type = 'resistance' then levels.distance_pct end)
            as nearest_resistance_pct
    from levels
    inner join positions
        on levels.symbol = positions.symbol and levels.trade_date = positions.price_date
    where levels.level_rank = 1
    group by levels.symbol

),

last_ratings as (

    select ratings.*
    from {{ ref('ratings_asof').include(database=false) }}(
        (select asked_session.asked_session_date from asked_session)
    ) as ratings
    where ratings.recency = 1

),

scenarios as (

    select scenarios.*
    from {{ ref('scenarios_asof').include(database=false) }}(
        (select asked_session.asked_session_date from asked_session)
    ) as scenarios
    where scenarios.assumption_type = 'valuation'

),

-- the range on critical IT MW: those its publication assumes for the company, else those planned,
-- else those contracted
range_choice as (

    select
        scenarios.symbol,
        scenarios.as_of_date,
        scenarios.source_firm,
        scenarios.assumption_scope,
        scenarios.capacity_basis,
        max(scenarios.critical_it_mw) as critical_it_mw,
        max(case when scenarios.scenario = 'low' then scenarios.usd_per_mw end) as low_usd_per_mw,
        max(case when scenarios.scenario = 'high' then scenarios.usd_per_mw end) as high_usd_per_mw,
        max(case when scenarios.scenario = 'low' then scenarios.value_per_share_usd end)
            as low_value_per_share_usd,
        max(case when scenarios.scenario = 'high' then scenarios.value_per_share_usd end)
            as high_value_per_share_usd,
        max(case when scenarios.scenario = 'low' then scenarios.upside_pct end) as low_upside_pct,
        max(case when scenarios.scenario = 'high' then scenarios.upside_pct end) as high_upside_pct,
        max(case when scenarios.scenario = 'low' then scenarios.scenario_coverage end)
            as scenario_coverage,
        bool_and(scenarios.scenario_is_complete) filter (where scenarios.scenario = 'low')
            as scenario_is_complete,
        max(scenarios.source_url) as source_url,
        row_number() over (
            partition by scenarios.symbol
            order by
                case when max(scenarios.critical_it_mw) is null then 2 else 1 end,
                scenarios.as_of_date desc,
                case scenarios.capacity_basis
                    when 'stated' then 1
                    when 'planned' then 2
                    else 3
                end,
                scenarios.assumption_scope,
                scenarios.source_firm
        ) as choice
    from scenarios
    where
        scenarios.business = 'colocation'
        and scenarios.mw_basis = 'critical_it'
        and scenarios.capacity_basis in ('stated', 'planned', 'contracted')
    group by
        scenarios.symbol,
        scenarios.as_of_date,
        scenarios.source_firm,
        scenarios.assumption_scope,
        scenarios.capacity_basis
    having
        max(case when scenarios.scenario = 'low' then scenarios.usd_per_mw end) is not null
        and max(case when scenarios.scenario = 'high' then scenarios.usd_per_mw end) is not null

),

chosen_range as (

    select * from range_choice
    where range_choice.choice = 1

),

-- what a firm said of this company: its MW at its dollars
stated_choice as (

    select
        scenarios.*,
        row_number() over (
            partition by scenarios.symbol
            order by scenarios.as_of_date desc, scenarios.source_firm, scenarios.business
        ) as choice
    from scenarios
    where
        scenarios.capacity_basis = 'stated'
        and scenarios.scenario = 'point'
        and scenarios.assumption_scope = 'company'

),

chosen_stated as (

    select * from stated_choice
    where stated_choice.choice = 1

),

joined as (

    select
        positions.symbol,
        miners.company_name,
        miners.instrument_type,
        positions.asked_session_date as as_of_session_date,
        positions.price_date,
        case
            when positions.price_date is null then 'no price'
            when positions.price_date < positions.asked_session_date
                then 'outdated: last price before this session'
            else 'complete'
        end as price_coverage,
        coalesce(positions.price_date = positions.asked_session_date, false) as price_is_complete,
        positions.close,
        indicators.change_pct,
        indicators.sma_50,
        indicators.pct_vs_sma_50,
        indicators.sma_200,
        indicators.pct_vs_sma_200,
        indicators.rsi_14,
        indicators.rsi_zone,
        nearest_levels.nearest_support,
        nearest_levels.nearest_support_pct,
        nearest_levels.nearest_resistance,
        nearest_levels.nearest_resistance_pct,
        indicators.high_52w,
        indicators.pct_from_52w_high,
        positions.price_source,
        last_ratings.rating_date as last_rating_date,
        last_ratings.firm as last_rating_firm,
        last_ratings.action as last_rating_action,
        last_ratings.from_rating as last_rating_from,
        last_ratings.to_rating as last_rating_to,
        last_ratings.price_target_new as last_rating_price_target,
        last_ratings.source_url as last_rating_source_url,
        positions.deals,
        positions.deals_without_value,
        positions.last_deal_date,
        positions.contracted_revenue_usd,
        positions.contracted_revenue_coverage,
        positions.contracted_revenue_is_complete,
        positions.contracted_critical_it_mw,
        positions.contracted_critical_it_mw_coverage,
        positions.contracted_critical_it_mw_is_complete,
        positions.planned_critical_it_mw,
        positions.planned_critical_it_mw_coverage,
        positions.planned_critical_it_mw_is_complete,
        positions.gross_power_mw,
        positions.gross_power_mw_coverage,
        positions.gross_power_mw_is_complete,
        positions.energized_gross_mw,
        positions.energized_gross_mw_coverage,
        positions.energized_gross_mw_is_complete,
        positions.shares_outstanding,
        positions.shares_coverage,
        positions.shares_is_complete,
        positions.market_cap_usd,
        positions.net_debt_usd,
        positions.net_debt_coverage,
        positions.net_debt_is_complete,
        positions.btc_held,
        positions.btc_value_usd,
        positions.btc_coverage,
        positions.btc_is_complete,
        positions.enterprise_value_usd,
        positions.enterprise_value_ex_btc_usd,
        positions.enterprise_value_coverage,
        positions.enterprise_value_is_complete,
        positions.ev_per_critical_it_mw_usd,
        positions.ev_per_critical_it_mw_coverage,
        positions.ev_per_critical_it_mw_is_complete,
        positions.ev_per_planned_critical_it_mw_usd,
        positions.ev_per_gross_mw_usd,
        positions.ev_to_contracted_revenue,
        chosen_range.source_firm as scenario_source_firm,
        chosen_range.as_of_date as scenario_as_of_date,
        chosen_range.capacity_basis as scenario_capacity_basis,
        chosen_range.critical_it_mw as scenario_critical_it_mw,
        chosen_range.low_usd_per_mw as scenario_low_usd_per_critical_it_mw,
        chosen_range.high_usd_per_mw as scenario_high_usd_per_critical_it_mw,
        chosen_range.low_value_per_share_usd,
        chosen_range.high_value_per_share_usd,
        chosen_range.low_upside_pct,
        chosen_range.high_upside_pct,
        coalesce(chosen_range.scenario_coverage, 'no range published') as scenario_coverage,
        coalesce(chosen_range.scenario_is_complete, false) as scenario_is_complete,
        chosen_range.source_url as scenario_source_url,
        chosen_stated.source_firm as stated_scenario_source_firm,
        chosen_stated.as_of_date as stated_scenario_as_of_date,
        chosen_stated.usd_per_mw as stated_scenario_usd_per_mw,
        chosen_stated.gross_value_usd as stated_scenario_gross_value_usd,
        chosen_stated.value_per_share_usd as stated_scenario_value_per_share_usd,
        chosen_stated.upside_pct as stated_scenario_upside_pct,
        chosen_stated.source_url as stated_scenario_source_url
    from positions
    inner join miners on positions.symbol = miners.symbol
    left join indicators on positions.symbol = indicators.symbol
    left join nearest_levels on positions.symbol = nearest_levels.symbol
    left join last_ratings on positions.symbol = last_ratings.symbol
    left join chosen_range on positions.symbol = chosen_range.symbol
    left join chosen_stated on positions.symbol = chosen_stated.symbol

),

final as (

    select
        joined.*,
        case when joined.price_is_complete then 0 else 1 end
        + case when joined.shares_is_complete then 0 else 1 end
        + case when joined.net_debt_is_complete then 0 else 1 end
        + case when joined.btc_is_complete then 0 else 1 end
        + case when joined.contracted_critical_it_mw_is_complete then 0 else 1 end
        + case when joined.contracted_revenue_is_complete then 0 else 1 end
        + case when joined.planned_critical_it_mw_is_complete then 0 else 1 end
        + case when joined.gross_power_mw_is_complete then 0 else 1 end
        + case when joined.energized_gross_mw_is_complete then 0 else 1 end
            as incomplete_inputs
    from joined

)

select * from final
order by symbol
