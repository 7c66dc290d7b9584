with

prices as (

    select * from {{ ref('stg_market__daily_prices') }}

),

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

reference_symbols as (

    select * from {{ ref('int_reference_symbols') }}

),

on_sessions as (

    select
        prices.symbol,
        prices.trade_date,
        prices.open,
        prices.high,
        prices.low,
        prices.close,
        prices.volume,
        prices.price_source,
        prices.price_basis,
        prices.is_repaired,
        sessions.session_date is not null as is_session,
        reference_symbols.symbol is not null as is_in_reference_list,
        lag(prices.close) over (
            partition by prices.symbol order by prices.trade_date
        ) as close_of_day_before

    from prices
    left join sessions on prices.trade_date = sessions.session_date
    left join reference_symbols on prices.symbol = reference_symbols.symbol

),

bars as (

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
        coalesce({{ is_ghost_bar('close_of_day_before') }}, false) as is_suspect

    from on_sessions
    -- an unknown instrument keeps its own calendar; a known one is read at exchange sessions
    where is_session or not is_in_reference_list

)

select * from bars
