{{ config(materialized='table_macro', parameters=['as_of']) }}

with

sites as (

    select * from {{ ref('sites_asof').include(database=false) }}(as_of)

),

-- a later report that is silent about the day takes nothing back
stated as (

    select
        sites.*,
        row_number() over (
            partition by sites.symbol, sites.site order by sites.recency
        ) as statement_recency
    from sites
    where sites.energization_date is not null

),

-- a site whose last report says that none of its power is the company's is the company's no more
given_up as (

    select
        sites.symbol,
        sites.site
    from sites
    where sites.recency = 1 and sites.power_contracted_mw = 0

)

select
    stated.symbol,
    stated.site,
    stated.energization_date,
    stated.energization_date <= cast(as_of as date) as is_past,
    stated.known_date,
    stated.power_contracted_mw,
    stated.critical_it_mw_planned,
    stated.source_url,
    stated.source_tier
from stated
left join given_up
    on stated.symbol = given_up.symbol and stated.site = given_up.site
where stated.statement_recency = 1 and given_up.site is null
