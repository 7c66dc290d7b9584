{%- set horizons = [1, 5, 21] -%}

with

ratings as (

    select distinct
        symbol,
        rating_date
    from {{ ref('int_rating_change_versions') }}
    where is_current

),

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

forward_returns as (

    select * from {{ ref('int_forward_returns') }}

),

session_windows as (

    select
        session_date
        {%- for horizon in horizons %},
            lead(session_date, {{ horizon }}) over (order by session_date)
                as session_{{ horizon }}d_date
        {%- endfor %}
    from sessions

),

-- the last session before the rating day; the one after it is the rating day itself or, where the
-- exchange was closed, the next session
placed as (

    select
        ratings.symbol,
        ratings.rating_date,
        session_windows.*
    from ratings
    left join session_windows
        on
            ratings.rating_date > session_windows.session_date
            and ratings.rating_date <= session_windows.session_1d_date

),

final as (

    select
        placed.symbol,
        placed.rating_date,
        placed.session_date as prior_session_date,
        forward_returns.close as close_before,
        forward_returns.price_source
        {%- for horizon in horizons %},
            forward_returns.return_{{ horizon }}d_pct,
            forward_returns.return_{{ horizon }}d_pct
            - forward_returns.basket_return_{{ horizon }}d_pct
                as abnormal_return_{{ horizon }}d_pct,
            case
                when forward_returns.return_{{ horizon }}d_pct is not null
                    then forward_returns.basket_{{ horizon }}d_miners
            end as basket_{{ horizon }}d_miners,
            case
                when forward_returns.return_{{ horizon }}d_pct is not null
                    then placed.session_{{ horizon }}d_date
            end as return_{{ horizon }}d_known_date
        {%- endfor %}
    from placed
    left join forward_returns
        on
            placed.symbol = forward_returns.symbol
            and placed.session_date = forward_returns.trade_date

)

select * from final
