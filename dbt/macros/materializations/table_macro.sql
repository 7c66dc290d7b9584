{#-
    A table macro of the database: the model's SQL is its body, `parameters` in its config are
    its arguments. Parameters have no types: a date typed as text ('2025-11-24') works, because
    the body casts where it needs a type.
-#}
{% materialization table_macro, adapter='duckdb' -%}
    {%- set parameters = config.require('parameters') -%}
    {%- set name = adapter.quote(this.schema) ~ '.' ~ adapter.quote(this.identifier) -%}

    {{ run_hooks(pre_hooks) }}

    {% call statement('main') -%}
        create or replace macro {{ name }}({{ parameters | join(', ') }}) as table
        {{ sql }}
    {%- endcall %}

    {% if model.description %}
        {% call statement('describe') -%}
            comment on macro table {{ name }}
            is '{{ model.description | trim | replace("'", "''") }}'
        {%- endcall %}
    {% endif %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}

    {{ return({'relations': []}) }}
{%- endmaterialization %}
