with

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

numbered as (

    select
        session_date,
        is_half_day,
        -- the exchange closes at 21:00 UTC at the latest
        cast(session_date as timestamp) + interval 21 hour <= cast(
            '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp
        ) as is_complete,
        lag(session_date) over (order by session_date) as prior_session_date,
        row_number() over (order by session_date) as session_number
    from sessions

)

select * from numbered
