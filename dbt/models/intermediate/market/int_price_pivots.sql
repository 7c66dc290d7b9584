{{ config(materialized='table') }}

{% set reach = var('pivot_sessions', 2) -%}

with

daily_bars as (

    select * from {{ ref('int_daily_bars') }}

),

-- a ghost bar nobody traded at neither makes a pivot nor confirms one
bars as (

    select
        symbol,
        trade_date,
        coalesce(low, close) as low,
        coalesce(high, close) as high,
        volume
    from daily_bars
    where not coalesce(is_suspect, false)

),

neighbours as (

    select
        symbol,
        trade_date,
        low,
        high,
        row_number() over by_session as bar_number,
        lead(trade_date, {{ reach }}) over by_session as known_date,
        volume / nullif(
            avg(volume) over (by_session rows between 19 preceding and current row), 0
        ) as relative_volume,
        min(low) over bars_before as low_before,
        min(low) over bars_after as low_after,
        max(high) over bars_before as high_before,
        max(high) over bars_after as high_after
    from bars
    window
        by_session as (partition by symbol order by trade_date),
        bars_before as (by_session rows between {{ reach }} preceding and 1 preceding),
        bars_after as (by_session rows between 1 following and {{ reach }} following)

),

confirmable as (

    select *
    from neighbours
    where bar_number > {{ reach }} and known_date is not null

),

-- strictly beyond the bars before, level with the bars after at most: of equal extremes the
-- first counts
pivots as (

    select
        symbol,
        trade_date as pivot_date,
        'low' as pivot_kind,
        low as pivot_price,
        known_date,
        relative_volume
    from confirmable
    where low < low_before and low <= low_after

    union all

    select
        symbol,
        trade_date as pivot_date,
        'high' as pivot_kind,
        high as pivot_price,
        known_date,
        relative_volume
    from confirmable
    where high > high_before and high >= high_after

)

select * from pivots
