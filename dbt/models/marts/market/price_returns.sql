{{ config(materialized='table_macro', parameters=['from_date', 'to_date']) }}

with

compared as (

    select * from {{ ref('price_comparison').include(database=false) }}(from_date, to_date)

)

select
    compared.symbol,
    min(compared.trade_date) as first_trade_date,
    max(compared.trade_date) as last_trade_date,
    count(*) as sessions,
    max_by(compared.return_pct, compared.trade_date) as return_pct,
    100 * sqrt({{ var('sessions_per_year') }}) * stddev_samp(compared.log_return) as volatility_pct,
    min(compared.drawdown_pct) as largest_drawdown_pct,
    max_by(compared.price_source, compared.trade_date) as price_source
from compared
group by compared.symbol
