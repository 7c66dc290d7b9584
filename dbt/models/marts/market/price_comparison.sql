{{ config(materialized='table_macro', parameters=['from_date', 'to_date']) }}

with

asked as (

    select
        cast(from_date as date) as asked_from_date,
        cast(to_date as date) as asked_to_date

),

technicals as (

    select * from {{ ref('fct_daily_technicals').include(database=false) }}

),

sessions as (

    select * from {{ ref('dim_sessions').include(database=false) }}

),

-- what trades on every day is compared on the exchange's sessions alone
bars as (

    select
        technicals.symbol,
        technicals.trade_date,
        technicals.close,
        technicals.price_source,
        earlier.close as close_of_session_before
    from technicals
    inner join sessions on technicals.trade_date = sessions.session_date
    inner join asked
        on technicals.trade_date between asked.asked_from_date and asked.asked_to_date
    left join technicals as earlier
        on
            technicals.symbol = earlier.symbol
            and sessions.prior_session_date = earlier.trade_date
            and asked.asked_from_date <= earlier.trade_date

),

compared as (

    select
        bars.*,
        min(bars.trade_date) over (partition by bars.symbol) as first_trade_date,
        first_value(bars.close) over (
            partition by bars.symbol order by bars.trade_date
        ) as first_close,
        max(bars.close) over (
            partition by bars.symbol
            order by bars.trade_date
            rows between unbounded preceding and current row
        ) as highest_close
    from bars

)

select
    compared.symbol,
    compared.trade_date,
    compared.first_trade_date,
    compared.close,
    compared.price_source,
    100 * compared.close / compared.first_close as close_rebased,
    100 * (compared.close / compared.first_close - 1) as return_pct,
    100 * (compared.close / compared.highest_close - 1) as drawdown_pct,
    ln(compared.close / compared.close_of_session_before) as log_return
from compared
