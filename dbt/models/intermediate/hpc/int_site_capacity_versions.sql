with

sites as (

    select * from {{ ref('stg_curated__sites_capacity') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('sites') }},

versions as (

    select
        sites.*,
        url_tiers.tier as source_tier,
        sites.reported_date as known_date,
        coalesce(sites.owner_share_pct, 100.0) / 100.0 as owner_share,
        sites.valid_to is null as is_current,
        {{ belief_dates(
            ['sites.symbol', 'sites.site', 'sites.reported_date'], 'sites.reported_date'
        ) }}
    from sites
    left join url_tiers on sites.source_url = url_tiers.address

)

select * from versions
