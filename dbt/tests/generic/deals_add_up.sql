{#-
    What was signed by month (the model), by company and in total (`deals`) are sums over the same firm contracts. Fails
    with the way of adding that differs from the total: a contract that falls into no month, counts in two, or is firm in
    one place and not in the other.
-#}
{% test deals_add_up(model, deals) %}

with

firm as (

    select * from {{ deals }}
    where is_firm and announced_date is not null

),

total as (

    select
        count(*) as deals,
        coalesce(sum(contract_value_usd), 0) as contract_value_usd,
        coalesce(sum(critical_it_mw), 0) as critical_it_mw,
        -- what has ended was signed and stands no more
        coalesce(sum(case when ended_date is null then contract_value_usd end), 0)
            as standing_value_usd,
        coalesce(sum(case when ended_date is null then critical_it_mw end), 0)
            as standing_critical_it_mw
    from firm

),

-- the last sum so far of each company
company_sums as (

    select
        symbol,
        max(cumulative_contract_value_usd) as contract_value_usd
    from {{ deals }}
    group by symbol

),

sums as (

    select
        'by month' as added_up,
        coalesce(sum(deals), 0) as deals,
        coalesce(sum(contract_value_usd), 0) as contract_value_usd,
        coalesce(sum(critical_it_mw), 0) as critical_it_mw,
        false as is_standing
    from {{ model }}

    union all

    select
        'month by month' as added_up,
        null as deals,
        coalesce(max_by(cumulative_contract_value_usd, month), 0) as contract_value_usd,
        coalesce(max_by(cumulative_critical_it_mw, month), 0) as critical_it_mw,
        true as is_standing
    from {{ model }}

    union all

    select
        'by company' as added_up,
        null as deals,
        coalesce(sum(contract_value_usd), 0) as contract_value_usd,
        null as critical_it_mw,
        true as is_standing
    from company_sums

)

select
    sums.*,
    total.deals as total_deals,
    total.contract_value_usd as total_contract_value_usd,
    total.critical_it_mw as total_critical_it_mw
from sums
cross join total
where
    sums.deals <> total.deals
    or abs(
        sums.contract_value_usd
        - case when sums.is_standing then total.standing_value_usd else total.contract_value_usd end
    ) > 1e-9 * total.contract_value_usd
    or abs(
        sums.critical_it_mw
        - case when sums.is_standing then total.standing_critical_it_mw else total.critical_it_mw end
    ) > 1e-9 * total.critical_it_mw

{% endtest %}
