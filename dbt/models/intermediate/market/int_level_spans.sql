with

bars as (

    select * from {{ ref('int_daily_bars') }}

),

reference_symbols as (

    select * from {{ ref('int_reference_symbols') }}

),

histories as (

    select
        bars.symbol,
        min(bars.trade_date) as first_date,
        max(bars.trade_date) as last_date,
        -- the latest first; a heap for each symbol instead of a sort of all bars
        {{ last_values('bars.trade_date', bars_behind_levels(), 'not bars.is_suspect') }}
            as last_traded_dates
    from bars
    group by bars.symbol

),

spans as (

    select
        histories.symbol,
        reference_symbols.symbol is not null
        or {{ length_of('histories.last_traded_dates') }} < {{ bars_behind_levels() }}
            as is_read_from_its_first_bar,
        case
            when reference_symbols.symbol is not null then histories.first_date
            else histories.last_date
        end as keep_from,
        histories.first_date,
        histories.last_traded_dates
    from histories
    left join reference_symbols on histories.symbol = reference_symbols.symbol

),

final as (

    select
        symbol,
        keep_from,
        case
            when is_read_from_its_first_bar then first_date
            else {{ nth_of('last_traded_dates', bars_behind_levels()) }}
        end as read_from,
        case
            when is_read_from_its_first_bar then first_date
            else {{ nth_of('last_traded_dates', var('level_lookback_sessions', 252)) }}
        end as pivots_from
    from spans

)

select * from final
