{#- No row's `to` is the column of another row, whatever the case. -#}
{% test leads_to_an_end(model, column_name, to) %}

select
    first_step.{{ column_name }},
    first_step.{{ to }},
    second_step.{{ to }} as leads_on_to
from {{ model }} as first_step
inner join {{ model }} as second_step on lower(first_step.{{ to }}) = lower(second_step.{{ column_name }})
where lower(first_step.{{ column_name }}) <> lower(first_step.{{ to }})

{% endtest %}
