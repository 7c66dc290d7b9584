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
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {{ prefix }}believed_from_date <= {{ day }}
    and ({{ prefix }}believed_to_date is null or {{ prefix }}believed_to_date > {{ day }})
{%- endmacro %}
