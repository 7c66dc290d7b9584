with

source as (

    select * from {{ source('raw', 'curated__sites_capacity') }}

),

renamed as (

    select
        ticker as symbol,
        site,
        site = '(company total)' as is_company_total,
        state_or_country,
        as_of_date as reported_date,
        power_contracted_mw,
        power_energized_mw,
        critical_it_mw_planned,
        critical_it_mw_contracted,
        use,
        owner_share_pct,
        energization_date,
        source_url,
        notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
