{{ config(materialized='view') }}

-- depends_on: {{ ref('int_technicals_stale') }}
{% set by_tail = technicals_by_tail() %}

with
{% if by_tail %}
stale as (

    select * from {{ ref('int_technicals_stale') }}

),

bars as (

    select
        daily_bars.*,
        stale.replace_from,
        stale.sessions_before,
        stale.known_sessions

    from {{ ref('int_daily_bars') }} as daily_bars
    inner join stale
        on
            daily_bars.symbol = stale.symbol
            and daily_bars.trade_date >= stale.read_from

),
{% else %}
bars as (

    select * from {{ ref('int_daily_bars') }}

),
{% endif %}
numbered as (

    select
        *,
        {% if by_tail %}sessions_before + {% endif -%}
        row_number() over (partition by symbol order by trade_date) as session_number,
        {{ sessions_ago('close', 1) }} as prev_close
        {%- if by_tail %},
        {{- long_windows() }}
        {%- endif %}

    from bars

),

changes as (

    select
        numbered.*,
        {%- if by_tail %}
        stale.known_ema_12,
        stale.known_ema_26,
        stale.known_signal_rest,
        stale.known_avg_gain,
        stale.known_avg_loss,
        stale.known_atr,
        {%- endif %}

        case
            when numbered.close > numbered.prev_close then numbered.close - numbered.prev_close
            when numbered.prev_close is not null then 0
        end as gain,
        case
            when numbered.close < numbered.prev_close then numbered.prev_close - numbered.close
            when numbered.prev_close is not null then 0
        end as loss,
        -- the close is the only price a bar without high and low is known to have traded at;
        -- the first bar has no true range, and greatest() alone would pass over the missing close
        case
            when numbered.prev_close is not null
                then
                    greatest(coalesce(numbered.high, numbered.close), numbered.prev_close)
                    - least(coalesce(numbered.low, numbered.close), numbered.prev_close)
        end as true_range,
        ln(numbered.close / numbered.prev_close) as log_return

    from numbered
    {%- if by_tail %}
    inner join stale on numbered.symbol = stale.symbol
    -- the windows that reach far back are done: the others run over the rows that they reach, and no more
    where numbered.session_number > numbered.known_sessions - {{ short_lookback() }}
    {%- endif %}

)

select * from changes
