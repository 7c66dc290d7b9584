{#- the fixed holidays and the first year of each; those on a weekday of the month are in the CTE below -#}
{% set fixed_holidays = {'01-01': 1871, '06-19': 2021, '07-04': 1871, '11-11': 1978, '12-25': 1871} -%}

with

days as (

    select cast('2009-01-01' as date) + cast(n as integer) as calendar_date
    from {{ whole_numbers(0, 15735) }}

),

described as (

    select
        calendar_date,
        {{ iso_weekday('calendar_date') }} as weekday,
        extract(month from calendar_date) as month_number,
        extract(day from calendar_date) as month_day,
        extract(month from calendar_date + 7) <> extract(month from calendar_date) as is_last_week,
        coalesce(
            {% for holiday, first_year in fixed_holidays.items() %}
                extract(month from calendar_date) = {{ holiday[:2] | int }}
                and extract(day from calendar_date) = {{ holiday[3:] | int }}
                and extract(year from calendar_date) >= {{ first_year }}
                {% if not loop.last %}
                    or
                {% endif %}
            {% endfor %},
            false
        ) as is_fixed_holiday
    from days

),

-- a holiday on a Saturday is kept on the Friday before it, one on a Sunday on the Monday after it
closed as (

    select
        *,
        weekday >= 6
        or is_fixed_holiday
        or (weekday = 5 and lead(is_fixed_holiday, 1, false) over (order by calendar_date))
        or (weekday = 1 and lag(is_fixed_holiday, 1, false) over (order by calendar_date))
        or (weekday = 1 and month_number in (1, 2) and month_day between 15 and 21)
        or (weekday = 1 and month_number = 5 and is_last_week)
        or (weekday = 1 and month_number = 9 and month_day <= 7)
        or (weekday = 1 and month_number = 10 and month_day between 8 and 14)
        or (weekday = 4 and month_number = 11 and month_day between 22 and 28)
            as is_closed
    from described

),

due as (

    select
        calendar_date,
        not is_closed as is_business_day,
        min(case when not is_closed then calendar_date end) over (
            order by calendar_date
            rows between current row and 10 following
        ) as filing_date
    from closed

),

-- the last days of the calendar have their business day after its end
final as (

    select * from due
    where calendar_date <= cast('2051-12-31' as date)

)

select * from final
