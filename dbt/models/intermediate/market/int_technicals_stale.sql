{{ config(materialized='table') }}

{% if technicals_by_tail() %}

with

months_of_bars as (

    {{ bars_by_month(ref('int_daily_bars')) }}

),

months_of_mart as (

    {{ bars_by_month(technicals_mart()) }}

),

compared as (

    select
        coalesce(months_of_bars.symbol, months_of_mart.symbol) as symbol,
        coalesce(months_of_bars.month_start, months_of_mart.month_start) as month_start,
        months_of_mart.bars,
        months_of_mart.last_date,
        months_of_bars.fingerprint is not distinct from months_of_mart.fingerprint
        and months_of_bars.bars is not distinct from months_of_mart.bars as is_same

    from months_of_bars
    full outer join months_of_mart
        on
            months_of_bars.symbol = months_of_mart.symbol
            and months_of_bars.month_start = months_of_mart.month_start

),

first_differences as (

    select
        symbol,
        min(month_start) as first_month,
        min(month_start) filter (where not is_same) as first_stale_month

    from compared
    group by symbol
    having not bool_and(is_same)

),

-- within that month day by day: where all that is new is a session at its end, no row of the mart is replaced
bars_of_month as (

    {{ bars_of_first_stale_month(ref('int_daily_bars')) }}

),

mart_of_month as (

    {{ bars_of_first_stale_month(technicals_mart()) }}

),

first_days as (

    select
        coalesce(bars_of_month.symbol, mart_of_month.symbol) as symbol,
        min(coalesce(bars_of_month.trade_date, mart_of_month.trade_date)) as first_stale_day

    from bars_of_month
    full outer join mart_of_month
        on
            bars_of_month.symbol = mart_of_month.symbol
            and bars_of_month.trade_date = mart_of_month.trade_date
    where
        bars_of_month.fingerprint is distinct from mart_of_month.fingerprint
        or bars_of_month.bars is distinct from mart_of_month.bars
    group by coalesce(bars_of_month.symbol, mart_of_month.symbol)

),

good_months as (

    select
        first_differences.symbol,
        compared.month_start,
        compared.bars,
        compared.last_date

    from first_differences
    inner join compared
        on
            first_differences.symbol = compared.symbol
            and first_differences.first_stale_month > compared.month_start

    union all

    select
        mart_of_month.symbol,
        min(mart_of_month.month_start) as month_start,
        sum(mart_of_month.bars) as bars,
        max(mart_of_month.trade_date) as last_date

    from mart_of_month
    inner join first_days
        on
            mart_of_month.symbol = first_days.symbol
            and mart_of_month.trade_date < first_days.first_stale_day
    group by mart_of_month.symbol

),

months_back as (

    select
        symbol,
        month_start,
        last_date,
        sum(bars) over (partition by symbol order by month_start desc) as sessions_back

    from good_months

),

good_history as (

    select
        symbol,
        cast(max(sessions_back) as bigint) as known_sessions,
        max(last_date) as known_date,
        max(month_start) filter (where sessions_back >= {{ longest_lookback() }}) as read_from,
        cast(
            min(sessions_back) filter (where sessions_back >= {{ longest_lookback() }}) as bigint
        ) as sessions_read

    from months_back
    group by symbol

),

known_rows as (

    select
        mart.symbol,
        mart.ema_12 as known_ema_12,
        mart.ema_26 as known_ema_26,
        {{ signal_rest_of('mart.macd_signal', 'mart.macd', 'mart.ema_26', 12, 26, 9) }} as known_signal_rest,
        mart.avg_gain_14 as known_avg_gain,
        mart.avg_loss_14 as known_avg_loss,
        mart.atr_14 as known_atr

    from {{ technicals_mart() }} as mart
    inner join good_history
        on
            mart.symbol = good_history.symbol
            and mart.trade_date = good_history.known_date
    -- a bar without a range has no ATR to go on from: such a symbol is computed from its first bar
    where good_history.known_sessions >= {{ sessions_to_go_on_from() }} and mart.atr_14 is not null

),

stale as (

    select
        first_differences.symbol,
        first_days.first_stale_day as replace_from,
        case
            when known_rows.symbol is not null then good_history.read_from
            else first_differences.first_month
        end as read_from,
        case
            when known_rows.symbol is not null then good_history.known_sessions - good_history.sessions_read
            else 0
        end as sessions_before,
        case when known_rows.symbol is not null then good_history.known_sessions else 0 end as known_sessions,
        known_rows.known_ema_12,
        known_rows.known_ema_26,
        known_rows.known_signal_rest,
        known_rows.known_avg_gain,
        known_rows.known_avg_loss,
        known_rows.known_atr

    from first_differences
    inner join first_days on first_differences.symbol = first_days.symbol
    left join good_history on first_differences.symbol = good_history.symbol
    left join known_rows on first_differences.symbol = known_rows.symbol

)

select * from stale

{% else %}

{# everything is computed anew: nothing to look up, but the columns stay the same #}
select
    symbol,
    trade_date as replace_from,
    trade_date as read_from,
    cast(0 as bigint) as sessions_before,
    cast(0 as bigint) as known_sessions,
    close as known_ema_12,
    close as known_ema_26,
    close as known_signal_rest,
    close as known_avg_gain,
    close as known_avg_loss,
    close as known_atr
from {{ ref('int_daily_bars') }}
where false

{% endif %}
