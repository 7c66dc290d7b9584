{#- A model that lists what somebody should look at: each of its rows is a finding. -#}
{% test no_rows(model) %}

select * from {{ model }}

{% endtest %}
