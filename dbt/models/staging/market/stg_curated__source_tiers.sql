with

source as (

    select * from {{ source('raw', 'curated__source_tiers') }}

),

renamed as (

    select
        pattern,
        tier,
        reason,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
