{#- input: the fact that would fill it -#}
{% set inputs = {
    'shares': 'reference/capital_structure.csv: shares_outstanding',
    'net_debt': 'reference/capital_structure.csv: cash_usd and debt_usd',
    'btc': 'reference/capital_structure.csv: btc_held',
    'contracted_critical_it_mw': 'reference/hpc_deals.csv: critical_it_mw',
    'contracted_revenue': 'reference/hpc_deals.csv: contract_value_usd',
    'planned_critical_it_mw': 'reference/sites_capacity.csv: critical_it_mw_planned',
    'gross_power_mw': 'reference/sites_capacity.csv: power_contracted_mw',
    'energized_gross_mw': 'reference/sites_capacity.csv: power_energized_mw',
} -%}

with

positions as (

    select * from {{ ref('fct_company_positions') }}

),

sessions as (

    select * from {{ ref('dim_sessions') }}
    where is_complete

),

-- the last session of every quarter since anything was known, that of the running quarter the last one over
days as (

    select max(sessions.session_date) as as_of_date
    from sessions
    where sessions.session_date >= (select min(positions.position_date) from positions)
    group by date_trunc('quarter', sessions.session_date)

),

on_days as (

    select
        positions.*,
        days.as_of_date
    from days
    inner join positions on {{ position_on('days.as_of_date', 'positions') }}

),

by_input as (

    {% for input, fact in inputs.items() %}
        select
            symbol,
            as_of_date,
            '{{ input }}' as input,
            {{ input }}_is_complete as is_complete,
            {{ input }}_coverage as coverage,
            case when not {{ input }}_is_complete then '{{ fact }}' end as missing_fact
        from on_days
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select * from by_input
