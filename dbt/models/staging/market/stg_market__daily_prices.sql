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
    where source.valid_to is null

),

-- where a vendor carries a day under both tickers, the one that the warehouse keeps wins
one_per_day as (

    select *
    from standing
    qualify row_number() over (
        partition by symbol, trade_date order by quoted_symbol = symbol desc, quoted_symbol
    ) = 1

)

select * from one_per_day
