with

source as (

    select * from {{ source('raw', 'curated__accepted_findings') }}

),

renamed as (

    select
        rule,
        ticker as symbol,
        found_date,
        subject,
        reason,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
