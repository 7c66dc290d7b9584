{#-
    The first session at whose close it could be known what became public on `day` at `time` (HH:MM, exchange time): that
    day, or the next session where it came at or after the close, or on no session at all. Without a time the day counts
    as it stands. Reads the CTE `sessions`.
-#}
{% macro public_from(day, time) -%}
    case
        when {{ time }} is null then {{ day }}
        else coalesce(
            (
                select min(sessions.session_date)
                from sessions
                where
                    sessions.session_date > {{ day }}
                    or (
                        sessions.session_date = {{ day }}
                        and {{ time }} < case when sessions.is_half_day then '13:00' else '16:00' end
                    )
            ),
            cast({{ dbt.dateadd('day', 1, day) }} as date)
        )
    end
{%- endmacro %}
