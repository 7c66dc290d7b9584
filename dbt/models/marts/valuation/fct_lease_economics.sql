with

leases as (

    select
        *,
        ended_date is null as is_standing
    from {{ ref('fct_hpc_deals_history') }}
    -- without the day of its announcement a lease is in no answer
    where
        is_firm
        and is_comparable_lease
        and usd_per_critical_it_mw_year is not null
        and believed_from_date is not null

),

grid as (

    select * from {{ ref('stg_curated__lease_dcf_assumptions') }}

),

positions as (

    select * from {{ ref('fct_company_positions') }}

),

-- where the landlord did not say what the building costs, the middle of what others said
published_cost as (

    select median(parameter_value) as middle_usd_per_critical_it_mw
    from grid
    where parameter = 'build_cost_usd_per_critical_it_mw' and origin = 'published'

),

cases as (

    select
        leases.deal_id,
        leases.symbol,
        leases.counterparty,
        leases.announced_date,
        leases.believed_from_date,
        leases.believed_to_date,
        leases.stood_to_date,
        leases.is_current,
        leases.is_standing,
        leases.critical_it_mw,
        leases.term_years,
        leases.usd_per_critical_it_mw_year as rent_usd_per_critical_it_mw_year,
        leases.warrant_shares,
        leases.source_url,
        margins.parameter_value as operating_margin,
        margins.source_url as operating_margin_source_url,
        cap_rates.parameter_value as cap_rate,
        cap_rates.origin as cap_rate_origin,
        cap_rates.source_url as cap_rate_source_url,
        loan_rates.parameter_value as loan_rate,
        loan_rates.source_url as loan_rate_source_url,
        loan_shares.parameter_value as loan_share,
        case
            when leases.capex_usd_per_critical_it_mw is null then 'published middle' else 'stated'
        end as build_cost_basis,
        coalesce(
            leases.capex_usd_per_critical_it_mw, published_cost.middle_usd_per_critical_it_mw
        ) as build_cost_usd_per_critical_it_mw,
        leases.usd_per_critical_it_mw_year * margins.parameter_value
            as noi_usd_per_critical_it_mw_year
    from leases
    cross join published_cost
    inner join grid as margins on margins.parameter = 'operating_margin'
    inner join grid as cap_rates on cap_rates.parameter = 'cap_rate'
    inner join grid as loan_rates on loan_rates.parameter = 'loan_rate'
    inner join grid as loan_shares on loan_shares.parameter = 'loan_share_of_cost'

),

-- a loan on a part of the cost, paid back in level instalments over the base term
financed as (

    select
        *,
        build_cost_usd_per_critical_it_mw * loan_share * loan_rate
        / (1 - power(1 + loan_rate, -term_years)) as debt_service_usd_per_critical_it_mw_year
    from cases

),

-- what is put in over what comes back every year: the annuity factor at the rate of return
paybacks as (

    select
        *,
        build_cost_usd_per_critical_it_mw / noi_usd_per_critical_it_mw_year as unlevered_payback_years,
        case
            when noi_usd_per_critical_it_mw_year > debt_service_usd_per_critical_it_mw_year
                then
                    build_cost_usd_per_critical_it_mw * (1 - loan_share)
                    / (noi_usd_per_critical_it_mw_year - debt_service_usd_per_critical_it_mw_year)
        end as levered_payback_years
    from financed

),

rates as (

    select
        n / 1e4 as rate,
        n / 1e2 as rate_pct
    from {{ whole_numbers(1, 10000) }}

),

questions as (

    select
        term_years,
        unlevered_payback_years as payback_years
    from paybacks
    where unlevered_payback_years < term_years
    union
    select
        term_years,
        levered_payback_years as payback_years
    from paybacks
    where levered_payback_years < term_years

),

-- the factor falls with the rate: the last rate at which it still covers what was put in
returns as (

    select
        questions.term_years,
        questions.payback_years,
        max(rates.rate_pct) as return_pct
    from questions
    inner join rates
        on
            (1 - power(1 + rates.rate, -questions.term_years)) / rates.rate
            >= questions.payback_years
    group by questions.term_years, questions.payback_years

),

final as (

    select
        paybacks.deal_id,
        paybacks.symbol,
        paybacks.counterparty,
        paybacks.announced_date,
        paybacks.believed_from_date,
        paybacks.believed_to_date,
        paybacks.stood_to_date,
        paybacks.is_current,
        paybacks.is_standing,
        paybacks.critical_it_mw,
        paybacks.term_years,
        paybacks.rent_usd_per_critical_it_mw_year,
        {{ in_percent('paybacks.operating_margin') }} as operating_margin_pct,
        paybacks.noi_usd_per_critical_it_mw_year,
        paybacks.build_cost_basis,
        paybacks.build_cost_usd_per_critical_it_mw,
        100.0 * paybacks.noi_usd_per_critical_it_mw_year
        / paybacks.build_cost_usd_per_critical_it_mw as yield_on_cost_pct,
        {{ in_percent('paybacks.cap_rate') }} as cap_rate_pct,
        paybacks.cap_rate_origin,
        paybacks.noi_usd_per_critical_it_mw_year / paybacks.cap_rate
            as capitalised_value_usd_per_critical_it_mw,
        paybacks.noi_usd_per_critical_it_mw_year / paybacks.cap_rate
        - paybacks.build_cost_usd_per_critical_it_mw as value_over_cost_usd_per_critical_it_mw,
        {{ in_percent('paybacks.loan_rate') }} as loan_rate_pct,
        {{ in_percent('paybacks.loan_share') }} as loan_share_of_cost_pct,
        paybacks.debt_service_usd_per_critical_it_mw_year,
        unlevered.return_pct as unlevered_return_pct,
        levered.return_pct as levered_return_pct,
        paybacks.warrant_shares / paybacks.critical_it_mw as warrant_shares_per_critical_it_mw,
        100.0 * paybacks.warrant_shares / positions.shares_outstanding as warrant_dilution_pct,
        paybacks.source_url,
        paybacks.operating_margin_source_url,
        paybacks.cap_rate_source_url,
        paybacks.loan_rate_source_url
    from paybacks
    left join returns as unlevered
        on
            paybacks.term_years = unlevered.term_years
            and paybacks.unlevered_payback_years = unlevered.payback_years
    left join returns as levered
        on
            paybacks.term_years = levered.term_years
            and paybacks.levered_payback_years = levered.payback_years
    left join positions
        on
            paybacks.symbol = positions.symbol
            and {{ position_on('paybacks.announced_date', 'positions') }}

)

select * from final
