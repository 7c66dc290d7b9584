{{ config(materialized='view') }}

with

terms as (

    select * from {{ ref('int_technical_terms') }}

),

windows as (

    select
        symbol,
        trade_date,
        open,
        high,
        low,
        close,
        volume,
        price_source,
        price_basis,
        is_repaired,
        is_suspect,
        session_number,
        block_row,
        {%- if technicals_by_tail() %}
        replace_from,
        {%- endif %}
        prev_close,

        {{ sessions_ago('close', 5) }} as close_5_ago,
        {{ sessions_ago('close', 21) }} as close_21_ago,
        {{ sessions_ago('close', 50) }} as close_50_ago,
        {{ sessions_ago('close', 63) }} as close_63_ago,

        {{ sma('close', 20) }} as sma_20,
        {{ sma('close', 50) }} as sma_50,
        {{ deviation_of_population('close', 20) }} as deviation_20,
        {{ deviation_of_returns('log_return', 21) }} as deviation_of_returns_21,
        {{ sma('volume', 20) }} as sma_volume_20,

        {{ smoothed('ema_12_term', ema_keep(12)) }} as ema_12,
        {{ smoothed('ema_26_term', ema_keep(26)) }} as ema_26,
        {{ smoothed('signal_rest_term', ema_keep(9)) }} as signal_rest,
        {{ smoothed('avg_gain_term', wilder_keep(14)) }} as avg_gain_14,
        {{ smoothed('avg_loss_term', wilder_keep(14)) }} as avg_loss_14,
        {{ smoothed('atr_term', wilder_keep(14)) }} as atr_14,
        coalesce({{ first_in_block('macd_seed_gap') }}, 0) as macd_seed_gap,
        {{- long_window_names() if technicals_by_tail() else long_windows() }}

    from terms

),

final as (

    select
        symbol,
        trade_date,
        open,
        high,
        low,
        close,
        volume,
        price_source,
        price_basis,
        is_repaired,
        is_suspect,
        session_number,
        prev_close,
        close_5_ago,
        close_21_ago,
        close_50_ago,
        close_63_ago,
        close_200_ago,
        close_252_ago,
        sma_20,
        sma_50,
        sma_200,
        deviation_20,
        deviation_of_returns_21,

        -- a bar that gives closes only has no intraday range to speak of
        case when high is not null then highest_252 end as high_52w,
        case when low is not null then lowest_252 end as low_52w,
        case when volume is not null then sma_volume_20 end as avg_volume_20,

        {{ once_known('ema_12', 12) }} as ema_12,
        {{ once_known('ema_26', 26) }} as ema_26,
        {{ once_known('ema_12 + ' ~ macd_fast_gap('macd_seed_gap', 12, 26), 34) }} as macd_fast,
        {{ once_known('ema_26', 34) }} as macd_slow,
        {{ once_known('signal_rest', 34) }} as signal_rest,
        {{ once_known('avg_gain_14', 15) }} as avg_gain_14,
        {{ once_known('avg_loss_14', 15) }} as avg_loss_14,
        case
            when session_number >= 15 and high is not null and low is not null then atr_14
        end as atr_14

    from windows
    {%- if technicals_by_tail() %}
    where trade_date >= replace_from
    {%- endif %}

)

select * from final
