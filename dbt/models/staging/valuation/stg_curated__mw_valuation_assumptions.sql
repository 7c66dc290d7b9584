with

source as (

    select * from {{ source('raw', 'curated__mw_valuation_assumptions') }}

),

renamed as (

    select
        as_of_date,
        source_firm,
        business,
        ticker as symbol,
        assumption_type,
        value_basis,
        mw_basis,
        gross_per_critical_it_mw,
        usd_per_mw_low,
        usd_per_mw_high,
        usd_per_mw_point,
        discount_rate,
        assumed_mw,
        notes,
        source_url,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
