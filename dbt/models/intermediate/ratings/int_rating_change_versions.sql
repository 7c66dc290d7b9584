with

ratings as (

    select * from {{ ref('stg_curated__rating_changes') }}

),

scale as (

    select * from {{ ref('stg_curated__rating_scale') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('ratings') }},

versions as (

    select
        ratings.*,
        url_tiers.tier as source_tier,
        ratings.rating_date as known_date,
        scale_before.score as from_score,
        scale_after.score as to_score,
        100.0 * (ratings.price_target_new / ratings.price_target_prior - 1) as target_change_pct,
        ratings.valid_to is null as is_current,
        {{ belief_dates(
            ['ratings.rating_date', 'ratings.symbol', 'ratings.firm'], 'ratings.rating_date'
        ) }}
    from ratings
    left join url_tiers on ratings.source_url = url_tiers.address
    left join scale as scale_before on lower(ratings.from_rating) = scale_before.rating
    left join scale as scale_after on lower(ratings.to_rating) = scale_after.rating

)

select * from versions
