{#-
    One row per combination of `columns`, the grain a model promises, and no row without the columns `filled`. Fails
    with the combinations that are doubled or lack something, and says which.
-#}
{% test unique_combination(model, columns, filled=[]) %}

select
    {{ columns | join(',\n    ') }},
    count(*) || ' rows' as finding
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% for column in filled %}
union all
select
    {{ columns | join(',\n    ') }},
    '{{ column }} is null' as finding
from {{ model }}
where {{ column }} is null
{% endfor %}

{% endtest %}
