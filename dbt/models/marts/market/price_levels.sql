{{ config(materialized='table_macro', parameters=['symbol', 'as_of']) }}

{#- a bare symbol or as_of is the caller's argument: columns are written with their table -#}

with

asked as (

    select
        upper(symbol) as asked_symbol,
        cast(as_of as date) as asked_date

),

technicals as (

    select
        technicals.*,
        technicals.trade_date = max(technicals.trade_date) over () as is_asked
    from {{ ref('fct_daily_technicals').include(database=false) }} as technicals
    inner join asked
        on
            technicals.symbol = asked.asked_symbol
            and technicals.trade_date <= asked.asked_date

),

price_pivots as (

    {{ price_pivots('technicals') }}

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

select final.* from final
