{#- One test for all columns that must be filled: a row is returned for each null, with the column's name. -#}
{% test never_null(model, columns) %}

{% for column in columns %}
select '{{ column }}' as column_that_is_null
from {{ model }}
where {{ column }} is null
{% if not loop.last %}union all{% endif %}
{% endfor %}

{% endtest %}
