{{ config(materialized='table') }}

with

spans as (

    select * from {{ ref('int_level_spans') }}

),

bars as (

    select bars.*
    from {{ ref('int_daily_bars') }} as bars
    inner join spans
        on
            bars.symbol = spans.symbol
            and bars.trade_date >= spans.read_from

),

pivots as (

    {{ price_pivots('bars') }}

),

final as (

    select pivots.*
    from pivots
    inner join spans
        on
            pivots.symbol = spans.symbol
            and pivots.pivot_date >= spans.pivots_from

)

select * from final
