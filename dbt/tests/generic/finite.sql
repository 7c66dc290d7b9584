{#- No number of the table is infinite or NaN: the one and the other spread through every sum and average. -#}
{% test finite(model) %}

{%- set numbers = [] -%}
{%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(model) if column.is_float() -%}
        {%- do numbers.append(column.name) -%}
    {%- endfor -%}
{%- endif %}
select *
from {{ model }}
where false
{%- for name in numbers %}
    or not {{ is_finite(name) }}
{%- endfor %}

{% endtest %}
