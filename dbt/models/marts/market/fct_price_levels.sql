{{ config(materialized='table') }}

with

spans as (

    select * from {{ ref('int_level_spans') }}

),

price_pivots as (

    select * from {{ ref('int_price_pivots') }}

),

technicals as (

    select
        technicals.*,
        technicals.trade_date >= spans.keep_from as is_asked
    from {{ ref('fct_daily_technicals') }} as technicals
    inner join spans
        on
            technicals.symbol = spans.symbol
            and technicals.trade_date >= spans.read_from

),

sessions as (

    {{ level_sessions('technicals') }}

),

pivots as (

    {{ level_pivots('sessions', 'price_pivots') }}

),

seen_pivots as (

    {{ visible_pivots('sessions', 'pivots') }}

),

levels as (

    {{ nearest_levels('sessions', 'pivots', 'seen_pivots') }}

),

final as (

    {{ described_levels('sessions', 'pivots', 'seen_pivots', 'levels') }}

)

select * from final
