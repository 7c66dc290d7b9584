{{ config(materialized='table_macro', parameters=['as_of']) }}

with

versions as (

    select * from {{ ref('fct_site_capacity_history').include(database=false) }}

),

believed as (

    select * from versions
    where {{ believed_on('cast(as_of as date)') }}

),

final as (

    select
        believed.symbol,
        believed.site,
        believed.is_company_total,
        believed.known_date,
        row_number() over (
            partition by believed.symbol, believed.site
            order by believed.known_date desc
        ) as recency,
        believed.state_or_country,
        believed.power_contracted_mw,
        believed.power_energized_mw,
        believed.critical_it_mw_planned,
        believed.critical_it_mw_contracted,
        believed.use,
        believed.owner_share_pct,
        believed.energization_date,
        believed.source_url,
        believed.source_tier,
        believed.notes
    from believed

)

select * from final
order by symbol, is_company_total desc, site, recency
