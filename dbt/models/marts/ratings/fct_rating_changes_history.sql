with

versions as (

    select * from {{ ref('int_rating_change_versions') }}

),

final as (

    select
        symbol,
        rating_date,
        firm,
        known_date,
        believed_from_date,
        believed_to_date,
        is_current,
        action,
        from_rating,
        to_rating,
        from_score,
        to_score,
        price_target_prior,
        price_target_new,
        target_change_pct,
        rating_source,
        source_url,
        source_tier,
        notes,
        source_file,
        source_row
    from versions

)

select * from final
