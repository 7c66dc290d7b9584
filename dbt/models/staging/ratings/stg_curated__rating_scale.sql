with

source as (

    select * from {{ source('raw', 'curated__rating_scale') }}

),

renamed as (

    select
        rating,
        score,
        reason,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
