with

sites as (

    select * from {{ ref('fct_site_capacity_history') }}
    where is_current

),

final as (

    select
        symbol,
        site,
        is_company_total,
        known_date,
        state_or_country,
        power_contracted_mw,
        power_energized_mw,
        critical_it_mw_planned,
        critical_it_mw_contracted,
        use,
        owner_share_pct,
        energization_date,
        source_url,
        source_tier,
        notes
    from sites

)

select * from final
