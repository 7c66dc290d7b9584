{#-
    Every bar marked suspect is told of as a ghost bar, and every ghost bar that became a bar is marked. Fails with the bars
    where the event and the mark disagree: levels would then be drawn through a bar that the events call none.
-#}
{% test tells_of_suspect_bars(model, bars) %}

select
    bars.symbol,
    bars.trade_date,
    bars.is_suspect
from {{ bars }} as bars
left join {{ model }} as events
    on
        bars.symbol = events.symbol
        and bars.trade_date = events.trade_date
        and events.event_type = 'ghost_bar'
where bars.is_suspect <> (events.symbol is not null)

{% endtest %}
