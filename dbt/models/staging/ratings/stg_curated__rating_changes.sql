with

source as (

    select * from {{ source('raw', 'curated__rating_changes') }}

),

renamed as (

    select
        rating_date,
        ticker as symbol,
        firm,
        action,
        from_rating,
        to_rating,
        price_target_prior,
        price_target_new,
        source_url,
        notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
