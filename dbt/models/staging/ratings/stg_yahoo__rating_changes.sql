with

source as (

    select * from {{ source('raw', 'yahoo__rating_changes') }}

),

renamed as (

    select
        rating_date,
        ticker as symbol,
        firm,
        case
            when action = 'up' then 'upgrade'
            when action = 'down' then 'downgrade'
            when action = 'init' then 'initiate'
            when price_target_new > price_target_prior then 'target_raise'
            when price_target_new < price_target_prior then 'target_cut'
            else 'reiterate'
        end as action,
        from_grade as from_rating,
        to_grade as to_rating,
        price_target_prior,
        price_target_new,
        source_url,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
