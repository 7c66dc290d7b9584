with

source as (

    select * from {{ source('raw', 'curated__peers') }}

),

renamed as (

    select
        ticker as symbol,
        name as instrument_name,
        instrument_type,
        trading_calendar,
        exchange,
        country,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
