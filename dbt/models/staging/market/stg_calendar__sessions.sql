with

source as (

    select * from {{ source('raw', 'calendar__sessions') }}

),

standing as (

    select
        session_date,
        is_half_day,
        close_utc_minutes

    from source
    where valid_to is null

)

select * from standing
