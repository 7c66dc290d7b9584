with

assumptions as (

    select * from {{ ref('stg_curated__mw_valuation_assumptions') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('assumptions') }},

versions as (

    select
        assumptions.*,
        url_tiers.tier as source_tier,
        assumptions.as_of_date as known_date,
        assumptions.valid_to is null as is_current,
        {{ belief_dates(
            [
                'assumptions.as_of_date',
                'assumptions.source_firm',
                'assumptions.business',
                'assumptions.symbol',
            ],
            'assumptions.as_of_date'
        ) }}
    from assumptions
    left join url_tiers on assumptions.source_url = url_tiers.address

)

select * from versions
