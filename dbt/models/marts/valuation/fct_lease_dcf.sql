with

deals as (

    select * from {{ ref('fct_hpc_deals') }}

),

grid as (

    select * from {{ ref('stg_curated__lease_dcf_assumptions') }}

),

assumptions as (

    select * from {{ ref('fct_mw_assumptions_history') }}
    where is_current

),

leases as (

    select *
    from deals
    where is_comparable_lease and usd_per_critical_it_mw_year is not null

),

rates as (

    select
        parameter_value as discount_rate,
        origin as discount_rate_origin,
        source_url as discount_rate_source_url
    from grid
    where parameter = 'discount_rate'

),

margins as (

    select
        parameter_value as operating_margin,
        source_url as operating_margin_source_url
    from grid
    where parameter = 'operating_margin'

),

build_costs as (

    select
        leases.deal_id,
        'grid' as build_cost_basis,
        grid.parameter_value as build_cost_usd_per_critical_it_mw,
        grid.source_url as build_cost_source_url
    from leases
    cross join grid
    where grid.parameter = 'build_cost_usd_per_critical_it_mw'

    union all

    -- what the landlord itself said of this building
    select
        deal_id,
        'stated' as build_cost_basis,
        capex_usd_per_critical_it_mw as build_cost_usd_per_critical_it_mw,
        source_url as build_cost_source_url
    from leases
    where capex_usd_per_critical_it_mw is not null

),

-- the last published range for leased critical IT MW, to set beside
published as (

    select
        source_firm as published_source_firm,
        as_of_date as published_as_of_date,
        value_basis as published_value_basis,
        usd_per_mw_low as published_low_usd_per_critical_it_mw,
        usd_per_mw_high as published_high_usd_per_critical_it_mw,
        source_url as published_source_url,
        row_number() over (order by as_of_date desc, source_firm) as recency
    from assumptions
    where
        symbol is null
        and business = 'colocation'
        and assumption_type = 'valuation'
        and mw_basis = 'critical_it'
        and usd_per_mw_low is not null
        and usd_per_mw_high is not null

),

discounted as (

    select
        leases.deal_id,
        leases.symbol,
        leases.counterparty,
        leases.announced_date,
        leases.term_years,
        leases.usd_per_critical_it_mw_year as rent_usd_per_critical_it_mw_year,
        leases.is_outlier,
        {{ in_percent('rates.discount_rate') }} as discount_rate_pct,
        rates.discount_rate_origin,
        {{ in_percent('margins.operating_margin') }} as operating_margin_pct,
        build_costs.build_cost_basis,
        build_costs.build_cost_usd_per_critical_it_mw,
        -- a level rent at the end of each year of the base term; no renewal, no residual value
        (1 - power(1 + rates.discount_rate, -leases.term_years)) / rates.discount_rate
            as annuity_factor,
        leases.usd_per_critical_it_mw_year
        * margins.operating_margin
        * (1 - power(1 + rates.discount_rate, -leases.term_years)) / rates.discount_rate
            as present_value_usd_per_critical_it_mw,
        leases.source_url,
        rates.discount_rate_source_url,
        margins.operating_margin_source_url,
        build_costs.build_cost_source_url
    from leases
    cross join rates
    cross join margins
    inner join build_costs on leases.deal_id = build_costs.deal_id

),

netted as (

    select
        *,
        present_value_usd_per_critical_it_mw - build_cost_usd_per_critical_it_mw
            as net_present_value_usd_per_critical_it_mw
    from discounted

),

final as (

    select
        netted.deal_id,
        netted.symbol,
        netted.counterparty,
        netted.announced_date,
        netted.term_years,
        netted.rent_usd_per_critical_it_mw_year,
        netted.is_outlier,
        netted.discount_rate_pct,
        netted.discount_rate_origin,
        netted.operating_margin_pct,
        netted.build_cost_basis,
        netted.build_cost_usd_per_critical_it_mw,
        netted.annuity_factor,
        netted.present_value_usd_per_critical_it_mw,
        netted.net_present_value_usd_per_critical_it_mw,
        published.published_source_firm,
        published.published_as_of_date,
        published.published_value_basis,
        published.published_low_usd_per_critical_it_mw,
        published.published_high_usd_per_critical_it_mw,
        case
            when published.published_low_usd_per_critical_it_mw is null then 'no published range'
            when
                netted.present_value_usd_per_critical_it_mw
                < published.published_low_usd_per_critical_it_mw
                then 'below'
            when
                netted.present_value_usd_per_critical_it_mw
                > published.published_high_usd_per_critical_it_mw
                then 'above'
            else 'within'
        end as present_value_vs_published,
        case
            when published.published_low_usd_per_critical_it_mw is null then 'no published range'
            when
                netted.net_present_value_usd_per_critical_it_mw
                < published.published_low_usd_per_critical_it_mw
                then 'below'
            when
                netted.net_present_value_usd_per_critical_it_mw
                > published.published_high_usd_per_critical_it_mw
                then 'above'
            else 'within'
        end as net_present_value_vs_published,
        netted.source_url,
        netted.discount_rate_source_url,
        netted.operating_margin_source_url,
        netted.build_cost_source_url,
        published.published_source_url
    from netted
    left join published on published.recency = 1

)

select * from final
