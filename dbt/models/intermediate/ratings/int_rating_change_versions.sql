with

notes as (

    select * from {{ ref('int_rating_notes') }}

),

scale as (

    select * from {{ ref('stg_curated__rating_scale') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('notes') }},

curated as (

    select * from notes
    where rating_source = 'curated'

),

others as (

    select * from notes
    where rating_source <> 'curated'

),

-- the versions of a curated note that say the same as a version from another source, each with the
-- days on which it is believed
covers as (

    select
        others.rating_source,
        others.symbol,
        others.firm,
        others.rating_date,
        others.valid_from,
        curated.believed_from_date as covered_from_date,
        curated.believed_to_date as covered_to_date
    from others
    inner join curated
        on
            others.symbol = curated.symbol
            and others.firm = curated.firm
            and abs({{ days_from('curated.rating_date', 'others.rating_date') }})
            <= {{ var('rating_match_days') }}
    where
        curated.believed_to_date is null
        or curated.believed_to_date > curated.believed_from_date

),

-- days on which it may change whether the version from the other source counts
turning_days as (

    select
        rating_source,
        symbol,
        firm,
        rating_date,
        valid_from,
        believed_from_date as turning_date
    from others

    union

    select
        rating_source,
        symbol,
        firm,
        rating_date,
        valid_from,
        covered_from_date as turning_date
    from covers

    union

    select
        rating_source,
        symbol,
        firm,
        rating_date,
        valid_from,
        covered_to_date as turning_date
    from covers
    where covered_to_date is not null

),

stretches as (

    select
        {{ all_but('others', ['believed_from_date', 'believed_to_date']) }},
        turning_days.turning_date as believed_from_date,
        coalesce(
            lead(turning_days.turning_date) over (
                partition by
                    others.rating_source,
                    others.symbol,
                    others.firm,
                    others.rating_date,
                    others.valid_from
                order by turning_days.turning_date
            ),
            others.believed_to_date
        ) as believed_to_date
    from others
    inner join turning_days
        on
            others.rating_source = turning_days.rating_source
            and others.symbol = turning_days.symbol
            and others.firm = turning_days.firm
            and others.rating_date = turning_days.rating_date
            and others.valid_from = turning_days.valid_from
    where
        turning_days.turning_date >= others.believed_from_date
        and (
            others.believed_to_date is null
            or turning_days.turning_date < others.believed_to_date
        )

),

-- the curated note wins on each day on which it is believed
uncovered as (

    select stretches.*
    from stretches
    left join covers
        on
            stretches.rating_source = covers.rating_source
            and stretches.symbol = covers.symbol
            and stretches.firm = covers.firm
            and stretches.rating_date = covers.rating_date
            and stretches.valid_from = covers.valid_from
            and stretches.believed_from_date >= covers.covered_from_date
            and (
                covers.covered_to_date is null
                or stretches.believed_from_date < covers.covered_to_date
            )
    where covers.symbol is null

),

chosen as (

    -- the days last, where the stretches have them
    select
        {{ all_but('curated', ['believed_from_date', 'believed_to_date']) }},
        believed_from_date,
        believed_to_date
    from curated
    union all
    select * from uncovered

),

versions as (

    select
        chosen.*,
        url_tiers.tier as source_tier,
        chosen.rating_date as known_date,
        scale_before.score as from_score,
        scale_after.score as to_score,
        100.0 * (chosen.price_target_new / chosen.price_target_prior - 1) as target_change_pct,
        chosen.believed_to_date is null as is_current
    from chosen
    left join url_tiers on chosen.source_url = url_tiers.address
    left join scale as scale_before on lower(chosen.from_rating) = scale_before.rating
    left join scale as scale_after on lower(chosen.to_rating) = scale_after.rating

)

select * from versions
