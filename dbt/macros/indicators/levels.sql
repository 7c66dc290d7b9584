{#-
    Support and resistance out of swing pivots, in five steps that fct_price_levels and the table macro price_levels
    share. What a level is stands in the description of fct_price_levels.

    The SQL names every column with its table: inside a table macro a bare `symbol` is the caller's argument.
-#}

{#-
    Step 1, the sessions: each with its usual range, the unit that distances are measured in. `technicals` has symbol,
    trade_date, close, atr_14, price_source and is_asked, which says whether the session's levels are wanted. A session's
    key counts sessions within its symbol, and keeps the sorts further down cheap.
-#}
{% macro level_sessions(technicals) -%}
with

changes as (

    select
        technicals.*,
        abs(
            technicals.close - lag(technicals.close) over (
                partition by technicals.symbol order by technicals.trade_date
            )
        ) as change
    from {{ technicals }} as technicals

)

select
    changes.symbol,
    changes.trade_date,
    changes.close,
    changes.price_source,
    changes.is_asked,
    -- a series of closes only has no true range
    coalesce(
        changes.atr_14,
        case when count(changes.change) over last_14 = 14 then avg(changes.change) over last_14 end
    ) as usual_range,
    cast(row_number() over (order by changes.symbol, changes.trade_date) as integer) as session_key
from changes
window
    last_14 as (
        partition by changes.symbol order by changes.trade_date rows between 13 preceding and current row
    )
{%- endmacro %}


{#- Step 2, the pivots, numbered: the higher key is the later pivot, and of one session the low. That settles ties. -#}
{% macro level_pivots(sessions, price_pivots) -%}
select
    price_pivots.*,
    sessions.session_key as pivot_session_key,
    cast(price_pivots.pivot_date as string) || ' ' || price_pivots.pivot_kind as touch,
    -- thin sessions count half, crowded ones double, series without volume once
    least(greatest(coalesce(price_pivots.relative_volume, 1), 0.5e0), 2) as volume_weight,
    cast(
        row_number() over (
            order by price_pivots.symbol, price_pivots.pivot_date, price_pivots.pivot_kind
        ) as integer
    ) as pivot_key
from {{ price_pivots }} as price_pivots
inner join {{ sessions }} as sessions
    on
        price_pivots.symbol = sessions.symbol
        and price_pivots.pivot_date = sessions.trade_date
{%- endmacro %}


{#-
    Step 3, what a session sees: every pivot confirmed by then and not too old, with its weight. Prices in units of the
    session's usual range, so that one frame fits all symbols and dates; weights in whole thousandths, so that equal sums
    are equal.
-#}
{% macro visible_pivots(sessions, pivots) -%}
{%- set lookback = var('level_lookback_sessions', 252) -%}
select
    sessions.session_key,
    pivots.pivot_key,
    pivots.pivot_price / sessions.usual_range as price_in_ranges,
    cast(
        round(
            1000 * pivots.volume_weight * (
                1 - cast(sessions.session_key - pivots.pivot_session_key as double) / {{ lookback }}
            )
        ) as bigint
    ) as weight
from {{ sessions }} as sessions
inner join {{ pivots }} as pivots
    on
        sessions.symbol = pivots.symbol
        and sessions.trade_date >= pivots.known_date
        and sessions.session_key < pivots.pivot_session_key + {{ lookback }}
where sessions.usual_range > 0 and sessions.is_asked
{%- endmacro %}


{#- Step 4, the levels: the pivots that are stronger than every other one within reach, the nearest on either side. -#}
{% macro nearest_levels(sessions, pivots, visible_pivots) -%}
with

weighed as (

    select
        visible_pivots.session_key,
        visible_pivots.pivot_key,
        visible_pivots.price_in_ranges,
        cast(sum(visible_pivots.weight) over {{ within_reach('visible_pivots') }} as bigint) as strength
    from {{ visible_pivots }} as visible_pivots

),

-- pairs compare by their first part, then by their second: of equal strength the later pivot
compared as (

    select
        weighed.*,
        {{ compared_in_turn(['weighed.strength', 'weighed.pivot_key']) }}
        = max({{ compared_in_turn(['weighed.strength', 'weighed.pivot_key']) }}) over {{ within_reach('weighed') }} as is_strongest
    from weighed

),

sided as (

    select
        compared.session_key,
        compared.price_in_ranges,
        pivots.pivot_price as level_price,
        abs(pivots.pivot_price - sessions.close) as distance,
        case
            when pivots.pivot_price <= sessions.close then 'support'
            else 'resistance'
        end as level_type
    from compared
    inner join {{ sessions }} as sessions on compared.session_key = sessions.session_key
    inner join {{ pivots }} as pivots on compared.pivot_key = pivots.pivot_key
    where compared.is_strongest

)

select
    sided.*,
    row_number() over (
        partition by sided.session_key, sided.level_type
        order by sided.distance
    ) as level_rank
from sided
qualify level_rank <= {{ var('levels_per_side', 5) }}
{%- endmacro %}


{#- the pivots of one session whose prices are within reach of this one's -#}
{% macro within_reach(of) -%}
{%- set reach = var('level_merge_atr', 0.25) -%}
(
    partition by {{ of }}.session_key
    order by {{ of }}.price_in_ranges
    range between {{ reach }} preceding and {{ reach }} following
)
{%- endmacro %}


{#- Step 5, the rows: each level with the touches that make it -#}
{% macro described_levels(sessions, pivots, visible_pivots, levels) -%}
{%- set reach = var('level_merge_atr', 0.25) -%}
with

level_touches as (

    select
        levels.session_key,
        levels.level_type,
        levels.level_rank,
        levels.level_price,
        pivots.pivot_key,
        pivots.pivot_date,
        pivots.pivot_kind,
        pivots.known_date,
        pivots.touch,
        visible_pivots.weight
    from {{ levels }} as levels
    inner join {{ visible_pivots }} as visible_pivots
        on
            levels.session_key = visible_pivots.session_key
            and visible_pivots.price_in_ranges
            between levels.price_in_ranges - {{ reach }} and levels.price_in_ranges + {{ reach }}
    inner join {{ pivots }} as pivots on visible_pivots.pivot_key = pivots.pivot_key

),

summed as (

    select
        level_touches.session_key,
        level_touches.level_type,
        level_touches.level_rank,
        level_touches.level_price,
        count(*) as touches,
        count(case when level_touches.pivot_kind = 'low' then 1 end) as low_touches,
        count(case when level_touches.pivot_kind = 'high' then 1 end) as high_touches,
        min(level_touches.pivot_date) as first_touch_date,
        max(level_touches.pivot_date) as last_touch_date,
        max(case when level_touches.pivot_kind = 'low' then level_touches.pivot_date end) as last_low_date,
        max(case when level_touches.pivot_kind = 'high' then level_touches.pivot_date end) as last_high_date,
        max(level_touches.known_date) as known_date,
        sum(level_touches.weight) / 1e3 as strength,
        {{ texts_in_order('level_touches.touch', 'level_touches.pivot_key') }} as touch_dates
    from level_touches
    group by
        level_touches.session_key, level_touches.level_type, level_touches.level_rank, level_touches.level_price

)

select
    sessions.symbol,
    sessions.trade_date,
    summed.level_type,
    cast(summed.level_rank as integer) as level_rank,
    summed.level_price,
    100 * (summed.level_price / sessions.close - 1) as distance_pct,
    cast(summed.touches as integer) as touches,
    cast(summed.low_touches as integer) as low_touches,
    cast(summed.high_touches as integer) as high_touches,
    summed.first_touch_date,
    summed.last_touch_date,
    summed.known_date,
    cast(summed.strength as double) as strength,
    case
        when summed.level_type = 'support' then coalesce(
            summed.last_low_date < summed.last_high_date, summed.last_low_date is null
        )
        else coalesce(
            summed.last_high_date < summed.last_low_date, summed.last_high_date is null
        )
    end as role_reversed,
    summed.touch_dates,
    sessions.price_source
from summed
inner join {{ sessions }} as sessions on summed.session_key = sessions.session_key
{%- endmacro %}
