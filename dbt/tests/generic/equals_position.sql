{#-
    A row says of its company and day (`day`) what `positions` says of them in `columns`. Fails with the rows that differ,
    or that have no position: then two tables tell two stories of one day.
-#}
{% test equals_position(model, positions, day, columns) %}

select
    told.symbol,
    told.{{ day }},
    positions.position_date
    {%- for column in columns %},
    told.{{ column }},
    positions.{{ column }} as {{ column }}_of_position
    {%- endfor %}
from {{ model }} as told
left join {{ positions }} as positions
    on
        told.symbol = positions.symbol
        and (positions.position_date <= told.{{ day }} or positions.is_first_day)
        and (positions.next_position_date is null or positions.next_position_date > told.{{ day }})
where
    positions.symbol is null
    {%- for column in columns %}
    or told.{{ column }} is distinct from positions.{{ column }}
    {%- endfor %}

{% endtest %}
