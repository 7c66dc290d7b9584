with

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

numbered as (

    select
        session_date,
        is_half_day,
        lag(session_date) over (order by session_date) as prior_session_date,
        row_number() over (order by session_date) as session_number
    from sessions

)

select * from numbered
