{#- Each of `values` is in a row of the column; fails with those that are not. -#}
{% test has_each_value(model, column_name, values) %}

with

asked as (
{% for value in values %}
    select '{{ value }}' as {{ column_name }}
    {{- "\n    union all" if not loop.last }}
{%- endfor %}

)

select
    asked.{{ column_name }},
    'no row has it' as what
from asked
left join {{ model }} as present on asked.{{ column_name }} = present.{{ column_name }}
where present.{{ column_name }} is null

{% endtest %}
