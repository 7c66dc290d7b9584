{{ config(materialized='table_macro', parameters=['from_date', 'to_date']) }}

with

-- as believed on the last day asked for: later corrections are not used
known as (

    select deals.*
    from {{ ref('deals_asof').include(database=false) }}(to_date) as deals
    where
        deals.announced_date <= cast(to_date as date)
        and (from_date is null or deals.announced_date >= cast(from_date as date))
        -- a letter of intent or an option is no contract: intentions_asof shows them
        and not deals.is_intention

),

companies as (

    select count(distinct known.symbol) as all_companies from known

),

final as (

    select
        known.deal_id,
        known.announced_date,
        known.symbol,
        known.counterparty,
        known.deal_type,
        known.site,
        known.critical_it_mw,
        known.gross_mw,
        known.contract_value_usd,
        known.owned_contract_value_usd,
        known.term_years,
        known.usd_per_critical_it_mw,
        known.usd_per_critical_it_mw_year,
        known.is_firm,
        known.is_follow_on,
        known.amends_deal_id,
        known.is_comparable_lease,
        known.is_outlier,
        count(*) over by_company as company_deals,
        sum(case when known.is_firm then known.contract_value_usd end) over by_company
            as company_contract_value_usd,
        sum(case when known.is_firm then known.owned_contract_value_usd end) over by_company
            as company_owned_contract_value_usd,
        sum(case when known.is_firm then known.critical_it_mw end) over by_company
            as company_critical_it_mw,
        sum(case when known.is_firm then known.contract_value_usd end) over ()
            as all_contract_value_usd,
        sum(case when known.is_firm then known.critical_it_mw end) over () as all_critical_it_mw,
        companies.all_companies,
        count(case when known.is_firm then 1 end) over () as all_firm_deals,
        count(case when known.is_firm and known.contract_value_usd is null then 1 end) over ()
            as all_deals_without_value,
        count(
            case
                when known.is_firm and known.amends_deal_id is null and known.critical_it_mw is null then 1
            end
        ) over ()
            as all_deals_without_critical_it_mw,
        known.source_url,
        known.source_tier
    from known
    cross join companies
    window by_company as (partition by known.symbol)

)

select * from final
order by announced_date, deal_id
