with

standing as (

    select * from {{ ref('int_rating_notes') }}
    where valid_to is null

),

scale as (

    select * from {{ ref('stg_curated__rating_scale') }}

),

scored as (

    select
        standing.*,
        scale.score
    from standing
    left join scale on lower(standing.to_rating) = scale.rating

),

pairs as (

    select
        curated.symbol,
        curated.firm,
        curated.rating_date as curated_rating_date,
        others.rating_date as other_rating_date,
        others.rating_source as other_source,
        curated.to_rating as curated_to_rating,
        others.to_rating as other_to_rating,
        curated.price_target_new as curated_price_target,
        others.price_target_new as other_price_target,
        (
            lower(curated.to_rating) <> lower(others.to_rating)
            and coalesce(curated.score <> others.score, true)
        ) as is_other_rating,
        coalesce(
            curated.price_target_new <> others.price_target_new,
            others.price_target_new is not null
        ) as is_other_target,
        curated.source_url as curated_source_url,
        others.source_url as other_source_url
    from scored as curated
    inner join scored as others
        on
            curated.symbol = others.symbol
            and curated.firm = others.firm
            and abs({{ days_from('curated.rating_date', 'others.rating_date') }})
            <= {{ var('rating_match_days') }}
    where curated.rating_source = 'curated' and others.rating_source <> 'curated'

),

conflicts as (

    select * from pairs
    where is_other_rating or is_other_target

)

select * from conflicts
