with

source as (

    select * from {{ source('raw', 'market__daily_prices') }}

),

standing as (

    select
        symbol,
        trade_date,
        open,
        high,
        low,
        close,
        adj_close,
        volume,
        dividend_usd,
        split_ratio,
        source as price_source,
        source_file,
        source_row

    from source
    where valid_to is null

)

select * from standing
