{{ config(materialized='table_macro', parameters=['symbol', 'from_date', 'to_date']) }}

{#- a bare symbol, from_date or to_date is the caller's argument: columns go with their table -#}

with

asked as (

    select
        upper(symbol) as asked_symbol,
        cast(from_date as date) as asked_from_date,
        cast(to_date as date) as asked_to_date

),

valuations as (

    select * from {{ ref('fct_miner_valuation_daily').include(database=false) }}

),

consensus as (

    select * from {{ ref('fct_consensus_daily').include(database=false) }}

),

measured as (

    select
        valuations.symbol,
        valuations.trade_date,
        'ev_per_critical_it_mw' as measure,
        valuations.ev_per_critical_it_mw_usd as measured,
        valuations.ev_per_critical_it_mw_is_complete as is_complete
    from valuations

    union all

    select
        valuations.symbol,
        valuations.trade_date,
        'ev_per_planned_critical_it_mw' as measure,
        valuations.ev_per_planned_critical_it_mw_usd as measured,
        valuations.enterprise_value_is_complete
        and valuations.planned_critical_it_mw_is_complete as is_complete
    from valuations

    union all

    select
        consensus.symbol,
        consensus.trade_date,
        'mean_price_target' as measure,
        consensus.mean_price_target as measured,
        true as is_complete
    from consensus

    union all

    select
        consensus.symbol,
        consensus.trade_date,
        'consensus_upside' as measure,
        consensus.implied_upside_pct as measured,
        true as is_complete
    from consensus

),

stretch as (

    select measured.*
    from measured
    inner join asked
        on
            measured.symbol = asked.asked_symbol
            and measured.trade_date between asked.asked_from_date and asked.asked_to_date
    where measured.measured is not null

),

bands as (

    select
        stretch.measure,
        percentile_cont(0.1e0) within group (order by stretch.measured) as percentile_10,
        percentile_cont(0.25e0) within group (order by stretch.measured) as percentile_25,
        percentile_cont(0.5e0) within group (order by stretch.measured) as percentile_50,
        percentile_cont(0.75e0) within group (order by stretch.measured) as percentile_75,
        percentile_cont(0.9e0) within group (order by stretch.measured) as percentile_90
    from stretch
    group by stretch.measure

)

select
    stretch.symbol,
    stretch.measure,
    stretch.trade_date,
    stretch.measured,
    stretch.is_complete,
    100 * percent_rank() over (
        partition by stretch.measure order by stretch.measured
    ) as percentile_rank,
    bands.percentile_10,
    bands.percentile_25,
    bands.percentile_50,
    bands.percentile_75,
    bands.percentile_90
from stretch
inner join bands on stretch.measure = bands.measure
