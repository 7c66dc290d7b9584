with

deals as (

    select * from {{ ref('fct_hpc_deals') }}
    where is_firm and announced_date is not null

),

sessions as (

    select * from {{ ref('dim_sessions') }}

),

span as (

    select
        date_trunc('month', min(announced_date)) as first_month,
        date_trunc(
            'month', greatest(max(announced_date), max(ended_date), max(end_known_date))
        ) as last_month
    from deals

),

months as (

    select distinct cast(date_trunc('month', sessions.session_date) as date) as month
    from sessions
    inner join span
        on date_trunc('month', sessions.session_date) between span.first_month and span.last_month

),

monthly as (

    select
        cast(date_trunc('month', announced_date) as date) as month,
        count(*) as deals,
        count(*) - count(contract_value_usd) as deals_without_value,
        count(*) - count(critical_it_mw) - count(amends_deal_id)
            as deals_without_critical_it_mw,
        sum(contract_value_usd) as contract_value_usd,
        sum(owned_contract_value_usd) as owned_contract_value_usd,
        sum(critical_it_mw) as critical_it_mw,
        -- only leases that state both, so that the sums belong to the same contracts
        sum(case when usd_per_critical_it_mw is not null then contract_value_usd end) as rent_usd,
        sum(case when usd_per_critical_it_mw is not null then critical_it_mw end) as rent_mw
    from deals
    group by cast(date_trunc('month', announced_date) as date)

),

-- in the month in which the end became public and had come
ended as (

    select
        cast(date_trunc('month', greatest(ended_date, end_known_date)) as date) as month,
        count(*) as ended_deals,
        sum(contract_value_usd) as ended_contract_value_usd,
        sum(critical_it_mw) as ended_critical_it_mw
    from deals
    where ended_date is not null
    group by cast(date_trunc('month', greatest(ended_date, end_known_date)) as date)

),

final as (

    select
        months.month,
        coalesce(monthly.deals, 0) as deals,
        coalesce(monthly.deals_without_value, 0) as deals_without_value,
        coalesce(monthly.deals_without_critical_it_mw, 0) as deals_without_critical_it_mw,
        case when monthly.deals is null then 0 else monthly.contract_value_usd end
            as contract_value_usd,
        case when monthly.deals is null then 0 else monthly.owned_contract_value_usd end
            as owned_contract_value_usd,
        case when monthly.deals is null then 0 else monthly.critical_it_mw end as critical_it_mw,
        monthly.rent_usd / monthly.rent_mw as usd_per_critical_it_mw,
        sum(monthly.contract_value_usd) over so_far
        - coalesce(sum(ended.ended_contract_value_usd) over so_far, 0)
            as cumulative_contract_value_usd,
        sum(monthly.critical_it_mw) over so_far
        - coalesce(sum(ended.ended_critical_it_mw) over so_far, 0)
            as cumulative_critical_it_mw,
        coalesce(ended.ended_deals, 0) as ended_deals,
        coalesce(ended.ended_contract_value_usd, 0) as ended_contract_value_usd,
        coalesce(ended.ended_critical_it_mw, 0) as ended_critical_it_mw
    from months
    left join monthly on months.month = monthly.month
    left join ended on months.month = ended.month
    window so_far as (order by months.month)

)

select * from final
