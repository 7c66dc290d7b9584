with

ratings as (

    select * from {{ ref('fct_rating_changes_history') }}
    where is_current

),

final as (

    select
        symbol,
        rating_date,
        firm,
        action,
        from_rating,
        to_rating,
        from_score,
        to_score,
        price_target_prior,
        price_target_new,
        target_change_pct,
        known_date,
        source_url,
        source_tier,
        notes
    from ratings

)

select * from final
