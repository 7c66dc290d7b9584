with

source as (

    select * from {{ source('raw', 'curated__firm_aliases') }}

),

renamed as (

    select
        lower(alias) as alias,
        firm,
        reason,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
