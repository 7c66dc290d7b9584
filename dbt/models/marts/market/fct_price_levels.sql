{{ config(materialized='table') }}

{% set reach = var('level_merge_atr', 0.25) -%}
{% set lookback = var('level_lookback_sessions', 252) -%}
{% set per_side = var('levels_per_side', 5) -%}

with

technicals as (

    select
        symbol,
        trade_date,
        close,
        atr_14,
        price_source,
        abs(close - lag(close) over (partition by symbol order by trade_date)) as change
    from {{ ref('fct_daily_technicals') }}

),

price_pivots as (

    select * from {{ ref('int_price_pivots') }}

),

-- whole numbers instead of (symbol, date) keep the sorts below cheap; within a symbol they count
-- sessions
sessions as (

    select
        symbol,
        trade_date,
        close,
        price_source,
        -- a series of closes only has no true range
        coalesce(
            atr_14,
            case when count(change) over last_14 = 14 then avg(change) over last_14 end
        ) as usual_range,
        cast(row_number() over (order by symbol, trade_date) as integer) as session_key
    from technicals
    window
        last_14 as (
            partition by symbol order by trade_date rows between 13 preceding and current row
        )

),

-- the higher key is the later pivot, and of one session the low: it settles ties further down
pivots as (

    select
        price_pivots.*,
        sessions.session_key as pivot_session_key,
        cast(price_pivots.pivot_date as varchar) || ' ' || price_pivots.pivot_kind as touch,
        -- thin sessions count half, crowded ones double, series without volume once
        least(greatest(coalesce(price_pivots.relative_volume, 1), 0.5), 2) as volume_weight,
        cast(
            row_number() over (
                order by price_pivots.symbol, price_pivots.pivot_date, price_pivots.pivot_kind
            ) as integer
        ) as pivot_key
    from price_pivots
    inner join sessions
        on
            price_pivots.symbol = sessions.symbol
            and price_pivots.pivot_date = sessions.trade_date

),

-- prices in units of the session's usual range, so that one frame fits all symbols and dates;
-- weights in whole thousandths, so that equal sums are equal
visible_pivots as (

    select
        sessions.session_key,
        pivots.pivot_key,
        pivots.pivot_price / sessions.usual_range as price_in_ranges,
        cast(
            round(
                1000 * pivots.volume_weight * (
                    1
                    - cast(sessions.session_key - pivots.pivot_session_key as double)
                    / {{ lookback }}
                )
            ) as bigint
        ) as weight
    from sessions
    inner join pivots
        on
            sessions.symbol = pivots.symbol
            and sessions.trade_date >= pivots.known_date
            and sessions.session_key < pivots.pivot_session_key + {{ lookback }}
    where sessions.usual_range > 0

),

weighed as (

    select
        session_key,
        pivot_key,
        price_in_ranges,
        1000000000 * cast(
            sum(weight) over (
                partition by session_key
                order by price_in_ranges
                range between {{ reach }} preceding and {{ reach }} following
            ) as bigint
        ) + pivot_key as standing
    from visible_pivots

),

compared as (

    select
        *,
        max(standing) over (
            partition by session_key
            order by price_in_ranges
            range between {{ reach }} preceding and {{ reach }} following
        ) as highest_standing
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
    inner join sessions on compared.session_key = sessions.session_key
    inner join pivots on compared.pivot_key = pivots.pivot_key
    where compared.standing = compared.highest_standing

),

ranked as (

    select
        *,
        row_number() over (
            partition by session_key, level_type
            order by distance
        ) as level_rank
    from sided

),

level_touches as (

    select
        ranked.session_key,
        ranked.level_type,
        ranked.level_rank,
        ranked.level_price,
        pivots.pivot_key,
        pivots.pivot_date,
        pivots.pivot_kind,
        pivots.known_date,
        pivots.touch,
        visible_pivots.weight
    from ranked
    inner join visible_pivots
        on
            ranked.session_key = visible_pivots.session_key
            and visible_pivots.price_in_ranges
            between ranked.price_in_ranges - {{ reach }} and ranked.price_in_ranges + {{ reach }}
    inner join pivots on visible_pivots.pivot_key = pivots.pivot_key
    where ranked.level_rank <= {{ per_side }}

),

summed as (

    select
        session_key,
        level_type,
        level_rank,
        level_price,
        count(*) as touches,
        count(case when pivot_kind = 'low' then 1 end) as low_touches,
        count(case when pivot_kind = 'high' then 1 end) as high_touches,
        min(pivot_date) as first_touch_date,
        max(pivot_date) as last_touch_date,
        max(case when pivot_kind = 'low' then pivot_date end) as last_low_date,
        max(case when pivot_kind = 'high' then pivot_date end) as last_high_date,
        max(known_date) as known_date,
        sum(weight) / 1000.0 as strength,
        string_agg(touch, ', ' order by pivot_key) as touch_dates
    from level_touches
    group by session_key, level_type, level_rank, level_price

),

final as (

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
    inner join sessions on summed.session_key = sessions.session_key

)

select * from final
