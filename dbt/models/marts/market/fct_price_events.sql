with

prices as (

    select * from {{ ref('stg_market__daily_prices') }}

),

sessions as (

    select * from {{ ref('dim_sessions') }}

),

instruments as (

    select * from {{ ref('dim_miners') }}

),

span as (

    select min(session_date) as first_session_date from sessions

),

placed as (

    select
        prices.symbol,
        prices.quoted_symbol,
        prices.trade_date,
        prices.high,
        prices.low,
        prices.close,
        prices.volume,
        prices.dividend_usd,
        prices.split_ratio,
        prices.price_source,
        prices.price_basis,
        sessions.session_number,
        sessions.is_half_day,
        span.first_session_date,
        instruments.trading_calendar = 'XNYS' as is_exchange_traded,
        lag(prices.close) over own_days as close_before,
        lag(prices.quoted_symbol) over own_days as quoted_symbol_before,
        {{ ignoring_nulls('lag', 'sessions.session_number') }} over own_days as session_number_before,
        row_number() over own_days as bar_number

    from prices
    cross join span
    left join sessions on prices.trade_date = sessions.session_date
    left join instruments on prices.symbol = instruments.symbol
    window own_days as (partition by prices.symbol order by prices.trade_date)

),

-- one pass over all bars; most of them are no event
marked as (

    select
        *,
        bar_number = 1 as is_first_bar,
        coalesce({{ is_ghost_bar('close_before') }}, false) as is_ghost_bar,
        coalesce(is_exchange_traded and session_number is null, false) as is_off_session,
        coalesce(is_exchange_traded and is_half_day, false) as is_half_day_bar,
        coalesce(
            is_exchange_traded and session_number - session_number_before > 1, false
        ) as is_after_missing_sessions
    from placed

),

eventful as (

    select * from marked
    where
        is_first_bar
        or is_ghost_bar
        or is_off_session
        or is_half_day_bar
        or is_after_missing_sessions
        or split_ratio <> 1
        or dividend_usd > 0
        or quoted_symbol <> quoted_symbol_before

),

first_bars as (

    select
        symbol,
        trade_date,
        'first_bar' as event_type,
        close as event_value,
        'the series begins here'
        || case when is_off_session then '' else '; every window counts from this bar' end as detail,
        price_source
    from eventful
    where is_first_bar

),

ghost_bars as (

    select
        symbol,
        trade_date,
        'ghost_bar' as event_type,
        close as event_value,
        'no volume, no range, closed where the day before did: kept, marked is_suspect' as detail,
        price_source
    from eventful
    where is_ghost_bar

),

missing_sessions as (

    select
        symbol,
        trade_date,
        'missing_sessions' as event_type,
        cast(session_number - session_number_before - 1 as double) as event_value,
        'sessions without a bar just before this one: no bar is invented, windows count bars' as detail,
        price_source
    from eventful
    where is_after_missing_sessions

),

off_session_bars as (

    select
        symbol,
        trade_date,
        'off_session_bar' as event_type,
        close as event_value,
        case
            when trade_date < first_session_date
                then 'before the calendar of sessions begins: left out of the technicals'
            else 'the exchange was closed: left out of the technicals'
        end as detail,
        price_source
    from eventful
    where is_off_session

),

half_days as (

    select
        symbol,
        trade_date,
        'half_day' as event_type,
        cast(volume as double) as event_value,
        'the exchange closed early: a full bar with less time behind its volume' as detail,
        price_source
    from eventful
    where is_half_day_bar

),

splits as (

    select
        symbol,
        trade_date,
        'split' as event_type,
        split_ratio as event_value,
        'new shares per old one; prices before are '
        || case
            when price_basis is null then 'adjusted for it or not: the source does not say'
            when price_basis = 'as_traded' then 'as they were traded'
            else 'adjusted for it'
        end as detail,
        price_source
    from eventful
    where split_ratio <> 1

),

dividends as (

    select
        symbol,
        trade_date,
        'dividend' as event_type,
        dividend_usd as event_value,
        case
            when price_basis = 'split_and_dividend_adjusted'
                then 'USD a share; closes before are adjusted for it'
            when price_basis is null
                then 'USD a share; closes before are adjusted for it or not: the source does not say'
            else 'USD a share; close is not adjusted for it, adj_close is'
        end as detail,
        price_source
    from eventful
    where dividend_usd > 0

),

symbol_changes as (

    select
        symbol,
        trade_date,
        'symbol_change' as event_type,
        cast(null as double) as event_value,
        'quoted as ' || quoted_symbol || ', before as ' || quoted_symbol_before as detail,
        price_source
    from eventful
    where quoted_symbol <> quoted_symbol_before

),

final as (

    select * from first_bars
    union all
    select * from ghost_bars
    union all
    select * from missing_sessions
    union all
    select * from off_session_bars
    union all
    select * from half_days
    union all
    select * from splits
    union all
    select * from dividends
    union all
    select * from symbol_changes

)

select * from final
