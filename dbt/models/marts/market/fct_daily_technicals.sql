{{ config(
    materialized='table_or_tail',
    incremental_strategy='append',
    on_schema_change='fail',
    pre_hook='{{ delete_stale_technicals() }}',
    post_hook='{{ note_technicals_build() }}',
    meta={'builds_with': ['int_technicals_stale', 'int_technical_sessions', 'int_technical_terms', 'int_technical_windows']},
) }}
{{ refuse_views_of_the_other_way() }}

-- depends_on: {{ ref('int_technicals_stale') }}

with

windows as (

    select * from {{ ref('int_technical_windows') }}

),

lines as (

    select
        *,
        macd_fast - macd_slow as macd,
        {{ macd_signal('macd_fast', 'macd_slow', 'signal_rest', 12, 26, 9) }} as macd_signal,
        {{ relative_strength('avg_gain_14', 'avg_loss_14') }} as rsi_14,
        {{ pct_change('close', 'prev_close') }} as change_pct,
        {{ side_of('sma_50', 'sma_200') }} as side,
        {{ side_of_day_before('sma_50', 50, 'sma_200', 200) }} as side_of_day_before

    from windows

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
        prev_close,
        change_pct,

        sma_20,
        sma_50,
        sma_200,
        {{ pct_change('close', 'sma_50') }} as pct_vs_sma_50,
        {{ pct_change('close', 'sma_200') }} as pct_vs_sma_200,

        ema_12,
        ema_26,
        macd,
        macd_signal,
        macd - macd_signal as macd_histogram,

        rsi_14,
        case
            when rsi_14 <= {{ var('rsi_oversold') }} then 'oversold'
            when rsi_14 >= {{ var('rsi_overbought') }} then 'overbought'
            when rsi_14 is not null then 'neutral'
        end as rsi_zone,

        atr_14,
        sma_20 + 2 * deviation_20 as bollinger_upper,
        sma_20 as bollinger_middle,
        sma_20 - 2 * deviation_20 as bollinger_lower,

        high_52w,
        low_52w,
        {{ pct_change('close', 'high_52w') }} as pct_from_52w_high,

        avg_volume_20,
        volume / nullif(avg_volume_20, 0) as relative_volume,

        change_pct as return_1d_pct,
        {{ pct_change('close', 'close_5_ago') }} as return_5d_pct,
        {{ pct_change('close', 'close_21_ago') }} as return_21d_pct,
        {{ pct_change('close', 'close_63_ago') }} as return_63d_pct,
        {{ pct_change('close', 'close_252_ago') }} as return_252d_pct,
        100 * sqrt({{ var('sessions_per_year') }}) * deviation_of_returns_21 as volatility_21d_pct,

        case
            when side = 1 and side_of_day_before <= 0 then 'golden'
            when side = -1 and side_of_day_before >= 0 then 'death'
        end as sma_cross,

        price_source,
        price_basis,
        is_repaired,
        is_suspect,
        avg_gain_14,
        avg_loss_14

    from lines

)

select * from final
