{{ config(materialized='table_macro', parameters=['symbol', 'as_of', 'quote']) }}

{#- a bare symbol, as_of or quote is the caller's argument: columns are written with their table -#}

with

asked as (

    select
        upper(symbol) as asked_symbol,
        cast(as_of as date) as asked_date,
        cast(quote as double) as asked_quote

),

last_session as (

    select
        technicals.*,
        coalesce(asked.asked_quote, technicals.close) as price
    from {{ ref('fct_daily_technicals').include(database=false) }} as technicals
    inner join asked
        on
            technicals.symbol = asked.asked_symbol
            and technicals.trade_date <= asked.asked_date
    order by technicals.trade_date desc
    limit 1

),

-- a level between close and quote has another side here than in fct_price_levels
levels as (

    select
        levels.*,
        case
            when levels.level_price <= last_session.price then 'support'
            else 'resistance'
        end as side,
        row_number() over (
            partition by levels.level_price <= last_session.price
            order by abs(levels.level_price - last_session.price)
        ) as nearness
    from {{ ref('price_levels').include(database=false) }}(symbol, as_of) as levels
    cross join last_session

)

select
    last_session.symbol,
    last_session.trade_date,
    last_session.price as quote,
    last_session.close,
    last_session.price_source,
    100 * (last_session.price / last_session.close - 1) as pct_vs_close,
    last_session.sma_50,
    100 * (last_session.price / last_session.sma_50 - 1) as pct_vs_sma_50,
    last_session.sma_200,
    100 * (last_session.price / last_session.sma_200 - 1) as pct_vs_sma_200,
    last_session.rsi_14,
    last_session.rsi_zone,
    last_session.high_52w,
    100 * (last_session.price / last_session.high_52w - 1) as pct_vs_high_52w,
    support.level_price as nearest_support,
    100 * (support.level_price / last_session.price - 1) as nearest_support_pct,
    support.touches as nearest_support_touches,
    support.touch_dates as nearest_support_touch_dates,
    next_support.level_price as next_support,
    resistance.level_price as nearest_resistance,
    100 * (resistance.level_price / last_session.price - 1) as nearest_resistance_pct,
    resistance.touches as nearest_resistance_touches,
    resistance.touch_dates as nearest_resistance_touch_dates,
    next_resistance.level_price as next_resistance
from last_session
left join levels as support
    on support.side = 'support' and support.nearness = 1
left join levels as next_support
    on next_support.side = 'support' and next_support.nearness = 2
left join levels as resistance
    on resistance.side = 'resistance' and resistance.nearness = 1
left join levels as next_resistance
    on next_resistance.side = 'resistance' and next_resistance.nearness = 2
