with

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

numbered as (

    select
        session_date,
        is_half_day,
        cast(session_date as timestamp) + interval '1' minute * close_utc_minutes <= cast(
            '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp
        ) as is_complete,
        lag(session_date) over (order by session_date) as prior_session_date,
        row_number() over (order by session_date) as session_number
    from sessions

)

select * from numbered
