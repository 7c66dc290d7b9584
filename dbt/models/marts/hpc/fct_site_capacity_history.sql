with

versions as (

    select * from {{ ref('int_site_capacity_versions') }}

),

final as (

    select
        symbol,
        site,
        is_company_total,
        known_date,
        believed_from_date,
        believed_to_date,
        is_current,
        state_or_country,
        power_contracted_mw,
        power_energized_mw,
        critical_it_mw_planned,
        critical_it_mw_contracted,
        use,
        owner_share_pct,
        owner_share,
        energization_date,
        source_url,
        source_tier,
        notes,
        source_file,
        source_row
    from versions

)

select * from final
