{#-
    What is accepted was found by a rule that there is. The rules are those that a `nothing_found` asks for; fails with the
    rows that name another, which accept nothing.
-#}
{% test rules_are_known(model) %}

{%- set known = [] %}
{%- for node in (graph.nodes.values() if execute else []) %}
    {%- if node.resource_type == 'test' and node.test_metadata and node.test_metadata.name == 'nothing_found' %}
        {%- set asked = node.test_metadata.kwargs.rule %}
        {%- do known.extend([asked] if asked is string else asked) %}
    {%- endif %}
{%- endfor %}

select
    rule,
    symbol,
    found_date,
    subject,
    source_file,
    source_row
from {{ model }}
where rule not in ('{{ known | sort | join("', '") }}')

{% endtest %}
