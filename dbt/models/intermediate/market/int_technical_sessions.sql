{{ config(materialized='view') }}

with

bars as (

    select * from {{ ref('int_daily_bars') }}

),

numbered as (

    select
        *,
        row_number() over (partition by symbol order by trade_date) as session_number,
        {{ sessions_ago('close', 1) }} as prev_close

    from bars

),

changes as (

    select
        symbol,
        trade_date,
        open,
        high,
        low,
        close,
        volume,
        price_source,
        is_suspect,
        session_number,
        prev_close,

        case when close > prev_close then close - prev_close when prev_close is not null then 0 end as gain,
        case when close < prev_close then prev_close - close when prev_close is not null then 0 end as loss,
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
