with

source as (

    select * from {{ source('raw', 'curated__lease_dcf_assumptions') }}

),

renamed as (

    select
        parameter,
        value as parameter_value,
        origin,
        reason,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
