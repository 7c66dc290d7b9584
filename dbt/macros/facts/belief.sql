{#-
    From which day and to which (that day excluded) a version of a fact was believed. The first
    version of a key is believed from the day the fact became known, a correction from the day
    it was loaded, and a version ends on the day it was corrected or withdrawn. A fact whose day
    is not known is never believed.
-#}
{% macro belief_dates(keys, known_date) -%}
    case
        when {{ known_date }} is null then null
        when row_number() over (
            partition by {{ keys | join(', ') }} order by valid_from
        ) = 1 then {{ known_date }}
        else greatest({{ known_date }}, cast(valid_from as date))
    end as believed_from_date,
    cast(valid_to as date) as believed_to_date
{%- endmacro %}


{#- whether a version was believed on that day -#}
{% macro believed_on(day, alias=none) -%}
    {{ holds_on(day, 'believed_from_date', 'believed_to_date', alias) }}
{%- endmacro %}


{#- whether a stretch of days in which the same facts were known has that day in it -#}
{% macro known_on(day, alias=none) -%}
    {{ holds_on(day, 'known_from_date', 'known_to_date', alias) }}
{%- endmacro %}


{#- from the first day to the one before the last; a last day that is null is open -#}
{% macro holds_on(day, from_date, to_date, alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {{ prefix }}{{ from_date }} <= {{ day }}
    and ({{ prefix }}{{ to_date }} is null or {{ prefix }}{{ to_date }} > {{ day }})
{%- endmacro %}


{#-
    Whether a note or another published opinion still counts on that day: for `rating_in_force_days`
    days, its own being the first.
-#}
{% macro in_force_on(day, published_date) -%}
    {{ published_date }} <= {{ day }}
    and {{ published_date }} > {{ dbt.dateadd('day', '-' ~ var('rating_in_force_days'), day) }}
{%- endmacro %}
