{{ config(materialized='table_macro', parameters=['as_of']) }}

with

versions as (

    select * from {{ ref('fct_hpc_deals_history').include(database=false) }}

),

believed as (

    select * from versions
    where {{ holds_on('cast(as_of as date)', 'believed_from_date', 'stood_to_date', 'versions') }}

),

final as (

    select
        believed.deal_id,
        believed.announced_date,
        believed.symbol,
        believed.counterparty,
        believed.end_user,
        believed.deal_type,
        case
            when believed.deal_type = 'cloud' then 'cloud'
            when believed.is_comparable_lease then 'colocation'
        end as business,
        believed.commitment,
        believed.is_firm,
        believed.is_intention,
        believed.is_follow_on,
        believed.amends_deal_id,
        believed.is_comparable_lease,
        believed.site,
        believed.state_or_country,
        believed.critical_it_mw,
        believed.gross_mw,
        believed.contract_value_usd,
        believed.term_years,
        believed.owner_share_pct,
        believed.owned_critical_it_mw,
        believed.owned_gross_mw,
        believed.owned_contract_value_usd,
        believed.usd_per_critical_it_mw,
        believed.usd_per_critical_it_mw_year,
        believed.cloud_usd_per_critical_it_mw,
        believed.is_outlier,
        believed.rent_coverage,
        believed.rent_is_complete,
        sum(case when believed.is_firm then believed.contract_value_usd end) over company_so_far
            as cumulative_contract_value_usd,
        sum(case when believed.is_firm then believed.critical_it_mw end) over company_so_far
            as cumulative_critical_it_mw,
        sum(case when believed.is_firm then believed.contract_value_usd end) over sector_so_far
            as sector_cumulative_contract_value_usd,
        sum(case when believed.is_firm then believed.critical_it_mw end) over sector_so_far
            as sector_cumulative_critical_it_mw,
        believed.expected_start_date,
        believed.status,
        believed.terms_public_date,
        believed.terms_source_url,
        believed.source_url,
        believed.source_tier,
        believed.source_name,
        believed.notes
    from believed
    window
        company_so_far as (
            partition by believed.symbol
            order by believed.announced_date, believed.deal_id
            rows between unbounded preceding and current row
        ),
        sector_so_far as (
            order by believed.announced_date, believed.deal_id
            rows between unbounded preceding and current row
        )

)

select * from final
order by announced_date, deal_id
