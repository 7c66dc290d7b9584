{{ config(materialized='view') }}

with

sessions as (

    select
        *,
        {{ block_of('session_number') }}

    from {{ ref('int_technical_sessions') }}

),

terms as (

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
        block_number,
        block_row,
        prev_close,
        log_return,
        {%- if technicals_by_tail() %}
        replace_from,
        {{- long_window_names() }},
        {%- endif %}
        {{ term_or_known(ema_term('close', 12), 'known_ema_12', ema_keep(12)) }} as ema_12_term,
        {{ term_or_known(ema_term('close', 26), 'known_ema_26', ema_keep(26)) }} as ema_26_term,
        {{ term_or_known(signal_rest_term('close', 12, 26, 9), 'known_signal_rest', ema_keep(9)) }}
            as signal_rest_term,
        {{ term_or_known(wilder_term('gain', 14), 'known_avg_gain', wilder_keep(14)) }} as avg_gain_term,
        {{ term_or_known(wilder_term('loss', 14), 'known_avg_loss', wilder_keep(14)) }} as avg_loss_term,
        {{ term_or_known(wilder_term('true_range', 14), 'known_atr', wilder_keep(14)) }} as atr_term

    from sessions

),

block_totals as (

    select
        symbol,
        block_number,
        sum(ema_12_term) as ema_12_total,
        sum(ema_26_term) as ema_26_total,
        sum(signal_rest_term) as signal_rest_total,
        sum(avg_gain_term) as avg_gain_total,
        sum(avg_loss_term) as avg_loss_total,
        sum(atr_term) as atr_total,
        sum({{ macd_seed_gap_term('close', 12, 26) }}) as macd_seed_gap

    from terms
    group by symbol, block_number

),

carries as (

    select
        symbol,
        block_number,
        coalesce(macd_seed_gap, 0) as macd_seed_gap,
        {{ carry_into_block('ema_12_total', ema_keep(12)) }} as ema_12_carry,
        {{ carry_into_block('ema_26_total', ema_keep(26)) }} as ema_26_carry,
        {{ carry_into_block('signal_rest_total', ema_keep(9)) }} as signal_rest_carry,
        {{ carry_into_block('avg_gain_total', wilder_keep(14)) }} as avg_gain_carry,
        {{ carry_into_block('avg_loss_total', wilder_keep(14)) }} as avg_loss_carry,
        {{ carry_into_block('atr_total', wilder_keep(14)) }} as atr_carry

    from block_totals

),

-- only a block's first row takes its carry: joining every row would cost more than all averages together
final as (

    select
        terms.symbol,
        terms.trade_date,
        terms.open,
        terms.high,
        terms.low,
        terms.close,
        terms.volume,
        terms.price_source,
        terms.price_basis,
        terms.is_repaired,
        terms.is_suspect,
        terms.session_number,
        terms.block_number,
        terms.block_row,
        terms.prev_close,
        terms.log_return,
        {%- if technicals_by_tail() %}
        terms.replace_from,
        {{- long_window_names('terms') }},
        {%- endif %}
        terms.ema_12_term + carries.ema_12_carry as ema_12_term,
        terms.ema_26_term + carries.ema_26_carry as ema_26_term,
        terms.signal_rest_term + carries.signal_rest_carry as signal_rest_term,
        coalesce(terms.avg_gain_term, 0) + carries.avg_gain_carry as avg_gain_term,
        coalesce(terms.avg_loss_term, 0) + carries.avg_loss_carry as avg_loss_term,
        coalesce(terms.atr_term, 0) + carries.atr_carry as atr_term,
        carries.macd_seed_gap

    from terms
    inner join carries
        on
            terms.symbol = carries.symbol
            and terms.block_number = carries.block_number
    where terms.block_row = 0

    union all

    select
        *,
        null as macd_seed_gap

    from terms
    where block_row > 0

)

select * from final
