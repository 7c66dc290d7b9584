with

ratings as (

    select * from {{ ref('fct_rating_changes_history') }}
    where is_current

),

returns as (

    select * from {{ ref('int_rating_returns') }}

),

final as (

    select
        ratings.symbol,
        ratings.rating_date,
        ratings.firm,
        ratings.action,
        ratings.from_rating,
        ratings.to_rating,
        ratings.from_score,
        ratings.to_score,
        ratings.price_target_prior,
        ratings.price_target_new,
        ratings.target_change_pct,
        returns.prior_session_date,
        returns.close_before,
        100.0 * (ratings.price_target_new / returns.close_before - 1) as implied_upside_pct,
        returns.return_1d_pct,
        returns.return_5d_pct,
        returns.return_21d_pct,
        returns.abnormal_return_1d_pct,
        returns.abnormal_return_5d_pct,
        returns.abnormal_return_21d_pct,
        returns.basket_1d_miners,
        returns.basket_5d_miners,
        returns.basket_21d_miners,
        returns.return_1d_known_date,
        returns.return_5d_known_date,
        returns.return_21d_known_date,
        returns.price_source,
        ratings.known_date,
        ratings.rating_source,
        ratings.source_url,
        ratings.source_tier,
        ratings.notes
    from ratings
    left join returns
        on ratings.symbol = returns.symbol and ratings.rating_date = returns.rating_date

)

select * from final
