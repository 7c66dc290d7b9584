with

companies as (

    select * from {{ ref('stg_curated__companies') }}

),

peers as (

    select * from {{ ref('stg_curated__peers') }}

),

bars as (

    select * from {{ ref('int_daily_bars') }}

),

priced as (

    select
        symbol,
        min(trade_date) as first_price_date,
        max(trade_date) as last_price_date,
        max_by(price_source, trade_date) as price_source
    from bars
    group by symbol

),

instruments as (

    select
        symbol,
        company_name,
        cik,
        exchange,
        country,
        fiscal_year_end,
        instrument_type,
        trading_calendar,
        filer_type,
        business_notes,
        source_url
    from companies

    union all

    select
        symbol,
        instrument_name as company_name,
        cast(null as string) as cik,
        exchange,
        country,
        cast(null as string) as fiscal_year_end,
        instrument_type,
        trading_calendar,
        cast(null as string) as filer_type,
        cast(null as string) as business_notes,
        source_url
    from peers
    -- what is listed twice is a company
    where symbol not in (select companies.symbol from companies)

),

final as (

    select
        coalesce(instruments.symbol, priced.symbol) as symbol,
        instruments.company_name,
        instruments.cik,
        instruments.exchange,
        instruments.country,
        instruments.fiscal_year_end,
        coalesce(instruments.instrument_type, 'other') as instrument_type,
        coalesce(instruments.instrument_type = 'miner', false) as is_miner,
        coalesce(instruments.instrument_type in ('miner', 'data_centre_operator'), false)
            as is_covered_company,
        instruments.trading_calendar,
        instruments.filer_type,
        instruments.business_notes,
        priced.symbol is not null as has_prices,
        priced.first_price_date,
        priced.last_price_date,
        priced.price_source,
        priced.price_source = 'sample' as is_simulated,
        instruments.source_url
    from instruments
    full join priced on instruments.symbol = priced.symbol

)

select * from final
