{{ config(materialized='view') }}

-- depends_on: {{ ref('int_technicals_stale') }}
{% set by_tail = technicals_by_tail() %}

with

bars as (

    select * from {{ ref('int_daily_bars') }}

),
{% if by_tail %}
stale as (

    select * from {{ ref('int_technicals_stale') }}

),
{% endif %}
numbered as (

    select
        bars.*,
        {{ sessions_ago('bars.close', 1, of='bars') }} as prev_close,
        {%- if by_tail %}
        stale.known_sessions,
        stale.known_ema_12,
        stale.known_ema_26,
        stale.known_signal_rest,
        stale.known_avg_gain,
        stale.known_avg_loss,
        stale.known_atr,
        stale.sessions_before
        + row_number() over (partition by bars.symbol order by bars.trade_date) as session_number

    from bars
    inner join stale
        on
            bars.symbol = stale.symbol
            and bars.trade_date >= stale.read_from
        {%- else %}
        row_number() over (partition by bars.symbol order by bars.trade_date) as session_number

    from bars
        {%- endif %}

),

changes as (

    select
        *,

        case
            when close > prev_close then close - prev_close
            when prev_close is not null then 0
        end as gain,
        case
            when close < prev_close then prev_close - close
            when prev_close is not null then 0
        end as loss,
        -- the close is the only price a bar without high and low is known to have traded at;
        -- the first bar has no true range, and greatest() alone would pass over the missing close
        case
            when prev_close is not null
                then
                    greatest(coalesce(high, close), prev_close)
                    - least(coalesce(low, close), prev_close)
        end as true_range,
        ln(close / prev_close) as log_return

    from numbered

)

select * from changes
