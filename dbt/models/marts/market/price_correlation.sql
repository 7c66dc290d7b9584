{{ config(materialized='table_macro', parameters=['from_date', 'to_date']) }}

with

returns as (

    select * from {{ ref('price_comparison').include(database=false) }}(from_date, to_date)

),

paired as (

    select
        returns.symbol,
        others.symbol as other_symbol,
        count(*) as shared_returns,
        stddev_samp(returns.log_return) as deviation,
        stddev_samp(others.log_return) as other_deviation,
        corr(returns.log_return, others.log_return) as correlation
    from returns
    inner join returns as others on returns.trade_date = others.trade_date
    where returns.log_return is not null and others.log_return is not null
    group by returns.symbol, others.symbol

)

select
    paired.symbol,
    paired.other_symbol,
    paired.shared_returns,
    -- few returns, or prices that stand still, say nothing
    case
        when
            paired.shared_returns >= {{ var('correlation_min_returns') }}
            and paired.deviation > 0 and paired.other_deviation > 0
            then paired.correlation
    end as correlation
from paired
