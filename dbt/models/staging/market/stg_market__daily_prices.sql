with

source as (

    select * from {{ source('raw', 'market__daily_prices') }}

),

symbol_changes as (

    select
        other_ticker as other_symbol,
        ticker as symbol
    from {{ source('raw', 'curated__symbol_changes') }}
    where valid_to is null

),

tickers as (

    select
        other_symbol as quoted_symbol,
        symbol
    from symbol_changes
    union
    select
        symbol as quoted_symbol,
        symbol
    from symbol_changes

),

-- where a vendor carries a day under both tickers, the one that the warehouse keeps wins; of all others the
-- raw table holds a day once
beaten as (

    select
        source.symbol as quoted_symbol,
        source.trade_date
    from source
    inner join tickers on source.symbol = tickers.quoted_symbol
    where source.valid_to is null
    qualify row_number() over (
        partition by tickers.symbol, source.trade_date
        order by source.symbol = tickers.symbol desc, source.symbol
    ) > 1

),

standing as (

    select
        coalesce(symbol_changes.symbol, source.symbol) as symbol,
        source.symbol as quoted_symbol,
        source.trade_date,
        source.open,
        source.high,
        source.low,
        source.close,
        source.adj_close,
        source.volume,
        source.dividend_usd,
        source.split_ratio,
        source.price_basis,
        source.is_repaired,
        source.source as price_source,
        source.source_file,
        source.source_row

    from source
    left join symbol_changes on source.symbol = symbol_changes.other_symbol
    left join beaten
        on
            source.symbol = beaten.quoted_symbol
            and source.trade_date = beaten.trade_date
    where source.valid_to is null and beaten.trade_date is null

)

select * from standing
