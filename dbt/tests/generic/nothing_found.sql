{#- Nothing that a rule of plausibility, or one of several, found is still to be looked at. -#}
{% test nothing_found(model, rule) %}

select
    rule,
    symbol,
    found_date,
    subject,
    message
from {{ model }}
where
    rule in ('{{ ([rule] if rule is string else rule) | join("', '") }}')
    and not is_accepted

{% endtest %}
