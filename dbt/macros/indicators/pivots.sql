{#-
    Swing pivots of price bars. The SQL names every column with its table: it also runs inside table macros, where a bare
    `symbol` is the caller's argument.
-#}

{#- the swing pivots of `bars`, a table with symbol, trade_date, low, high, close, volume and is_suspect -#}
{% macro price_pivots(bars) -%}
{%- set reach = var('pivot_sessions', 2) -%}
with

-- a ghost bar nobody traded at neither makes a pivot nor confirms one
traded as (

    select
        bars.symbol,
        bars.trade_date,
        coalesce(bars.low, bars.close) as low,
        coalesce(bars.high, bars.close) as high,
        bars.volume
    from {{ bars }} as bars
    where not coalesce(bars.is_suspect, false)

),

neighbours as (

    select
        traded.symbol,
        traded.trade_date,
        traded.low,
        traded.high,
        row_number() over by_session as bar_number,
        lead(traded.trade_date, {{ reach }}) over by_session as known_date,
        traded.volume / nullif(
            avg(traded.volume) over (
                partition by traded.symbol
                order by traded.trade_date
                rows between {{ pivot_volume_sessions() | int - 1 }} preceding and current row
            ), 0
        ) as relative_volume,
        min(traded.low) over bars_before as low_before,
        min(traded.low) over bars_after as low_after,
        max(traded.high) over bars_before as high_before,
        max(traded.high) over bars_after as high_after
    from traded
    window
        by_session as (partition by traded.symbol order by traded.trade_date),
        bars_before as (
            partition by traded.symbol
            order by traded.trade_date
            rows between {{ reach }} preceding and 1 preceding
        ),
        bars_after as (
            partition by traded.symbol
            order by traded.trade_date
            rows between 1 following and {{ reach }} following
        )

),

confirmable as (

    select *
    from neighbours
    where neighbours.bar_number > {{ reach }} and neighbours.known_date is not null

)

-- strictly beyond the bars before, level with the bars after at most: of equal extremes the
-- first counts
select
    confirmable.symbol,
    confirmable.trade_date as pivot_date,
    'low' as pivot_kind,
    confirmable.low as pivot_price,
    confirmable.known_date,
    confirmable.relative_volume
from confirmable
where confirmable.low < confirmable.low_before and confirmable.low <= confirmable.low_after

union all

select
    confirmable.symbol,
    confirmable.trade_date as pivot_date,
    'high' as pivot_kind,
    confirmable.high as pivot_price,
    confirmable.known_date,
    confirmable.relative_volume
from confirmable
where confirmable.high > confirmable.high_before and confirmable.high >= confirmable.high_after
{%- endmacro %}


{#- a pivot's volume is held against the mean of this many bars -#}
{% macro pivot_volume_sessions() -%} {{ return(20) }} {%- endmacro %}


{#- traded bars that the levels of one session rest on: the lookback, and what its oldest pivot is measured against -#}
{% macro bars_behind_levels() -%}
    {{ return(
        var('level_lookback_sessions', 252) | int
        + [pivot_volume_sessions() | int - 1, var('pivot_sessions', 2) | int] | max
    ) }}
{%- endmacro %}
