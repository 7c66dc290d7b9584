{#-
    An average lies between the lowest and the highest of what it is taken of. Fails with the rows where it does not:
    the window of the one is not that of the other, or rows of two series came into it. Room for the last digit, since
    the mean of equal doubles may differ from each of them.
-#}
{% test lies_between(model, column_name, low, high) %}

select *
from {{ model }}
where
    {{ column_name }} < {{ low }} - 1e-9 * abs({{ low }})
    or {{ column_name }} > {{ high }} + 1e-9 * abs({{ high }})

{% endtest %}
