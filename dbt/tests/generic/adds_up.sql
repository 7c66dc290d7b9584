{#-
    A column is the sum of others: `enterprise_value_usd` is `market_cap_usd` and `net_debt_usd`. Fails with the rows where
    it is not, and where one side is known and the other is not.
-#}
{% test adds_up(model, column_name, of) %}

select *
from {{ model }}
where
    ({{ column_name }} is null) <> (({{ of | join(' + ') }}) is null)
    or abs({{ column_name }} - ({{ of | join(' + ') }}))
    > 1e-9 * greatest({% for part in of %}abs({{ part }}){{ ', ' if not loop.last }}{% endfor %})

{% endtest %}
