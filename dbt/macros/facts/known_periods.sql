{#-
    CTEs that end in `known_periods`: for each symbol of `relation` the stretches of days in
    which the same versions were believed (`known_from_date` to the day before `known_to_date`,
    null where it lasts).
-#}
{% macro known_period_ctes(relation) -%}
    change_dates as (

        select
            symbol,
            believed_from_date as known_from_date
        from {{ relation }}
        where
            believed_from_date is not null
            and (believed_to_date is null or believed_to_date > believed_from_date)

        union

        select
            symbol,
            believed_to_date as known_from_date
        from {{ relation }}
        where believed_from_date is not null and believed_to_date > believed_from_date

    ),

    known_periods as (

        select
            symbol,
            known_from_date,
            lead(known_from_date) over (partition by symbol order by known_from_date)
                as known_to_date
        from change_dates

    )
{%- endmacro %}
