{%- set horizons = [1, 5, 21] -%}

with

bars as (

    select * from {{ ref('int_daily_bars') }}

),

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

-- ratings are of companies: what another symbol did next, nobody asks
companies as (

    select
        symbol,
        instrument_type = 'miner' as is_miner
    from {{ ref('stg_curated__companies') }}

),

numbered_sessions as (

    select
        session_date,
        row_number() over (order by session_date) as session_number
    from sessions

),

numbered_bars as (

    select
        bars.symbol,
        bars.trade_date,
        numbered_sessions.session_number,
        bars.close,
        bars.price_source,
        companies.is_miner
    from bars
    inner join numbered_sessions on bars.trade_date = numbered_sessions.session_date
    inner join companies on bars.symbol = companies.symbol

),

-- the bar so many rows later is the one so many sessions later only where none in between is missing
returns as (

    select
        symbol,
        trade_date,
        session_number,
        close,
        price_source,
        is_miner
        {%- for horizon in horizons %},
            case
                when
                    lead(session_number, {{ horizon }}) over by_session
                    = session_number + {{ horizon }}
                    then
                        100.0
                        * (lead(close, {{ horizon }}) over by_session / close - 1)
            end as return_{{ horizon }}d_pct
        {%- endfor %}
    from numbered_bars
    window by_session as (partition by symbol order by session_number)

),

-- added up in the order of size: a sum of doubles depends on its order, and a second run must give
-- the same digits
baskets as (

    select
        session_number
        {%- for horizon in horizons %},
            {{ sum_in_order('return_' ~ horizon ~ 'd_pct') }}
                as summed_return_{{ horizon }}d_pct,
            count(return_{{ horizon }}d_pct) as basket_{{ horizon }}d_miners
        {%- endfor %}
    from returns
    where is_miner
    group by session_number

),

-- the basket of the other miners: the symbol's own return is taken out again
others as (

    select
        returns.*
        {%- for horizon in horizons %},
            coalesce(baskets.summed_return_{{ horizon }}d_pct, 0)
            - case when returns.is_miner then coalesce(returns.return_{{ horizon }}d_pct, 0) else 0 end
                as other_returns_{{ horizon }}d_pct,
            coalesce(baskets.basket_{{ horizon }}d_miners, 0)
            - case
                when returns.is_miner and returns.return_{{ horizon }}d_pct is not null then 1
                else 0
            end as basket_{{ horizon }}d_miners
        {%- endfor %}
    from returns
    left join baskets on returns.session_number = baskets.session_number

),

final as (

    select
        symbol,
        trade_date,
        session_number,
        close,
        price_source
        {%- for horizon in horizons %},
            return_{{ horizon }}d_pct,
            basket_{{ horizon }}d_miners,
            case
                when basket_{{ horizon }}d_miners > 0
                    then other_returns_{{ horizon }}d_pct / basket_{{ horizon }}d_miners
            end as basket_return_{{ horizon }}d_pct
        {%- endfor %}
    from others

)

select * from final
