{#- Nothing that a rule of plausibility found is still to be looked at. -#}
{% test nothing_found(model, rule) %}

select
    symbol,
    found_date,
    subject,
    message
from {{ model }}
where rule = '{{ rule }}' and not is_accepted

{% endtest %}
