with

source as (

    select * from {{ source('raw', 'curated__symbol_changes') }}

),

renamed as (

    select
        other_ticker as other_symbol,
        ticker as symbol,
        reason,
        source_url
    from source
    where valid_to is null

)

select * from renamed
