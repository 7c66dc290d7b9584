with

source as (

    select * from {{ source('raw', 'curated__companies') }}

),

renamed as (

    select
        ticker as symbol,
        company_name,
        instrument_type,
        trading_calendar,
        cik,
        exchange,
        country,
        fiscal_year_end,
        filer_type,
        business_notes,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
