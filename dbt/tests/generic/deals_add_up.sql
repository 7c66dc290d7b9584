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
        coalesce(sum(critical_it_mw), 0) as critical_it_mw
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
        coalesce(sum(critical_it_mw), 0) as critical_it_mw
    from {{ model }}

    union all

    select
        'month by month' as added_up,
        null as deals,
        coalesce(max(cumulative_contract_value_usd), 0) as contract_value_usd,
        coalesce(max(cumulative_critical_it_mw), 0) as critical_it_mw
    from {{ model }}

    union all

    select
        'by company' as added_up,
        null as deals,
        coalesce(sum(contract_value_usd), 0) as contract_value_usd,
        null as critical_it_mw
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
    or abs(sums.contract_value_usd - total.contract_value_usd) > 1e-9 * total.contract_value_usd
    or abs(sums.critical_it_mw - total.critical_it_mw) > 1e-9 * total.critical_it_mw

{% endtest %}
