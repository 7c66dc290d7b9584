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


{#-
    The same on Spark: a SQL function that returns a table. Its parameters need types, and a bare name in its body is a
    column where there is one, so that arguments are read in a CTE without a table (`asked`).
-#}
{% materialization table_macro, adapter='spark' -%}
    {%- set types = {'symbol': 'string', 'as_of': 'date', 'from_date': 'date', 'to_date': 'date'} -%}
    {%- set parameters = [] -%}
    {%- for parameter in config.require('parameters') -%}
        {%- do parameters.append(parameter ~ ' ' ~ types.get(parameter, 'double')) -%}
    {%- endfor -%}

    {{ run_hooks(pre_hooks) }}

    {% call statement('main') -%}
        create or replace function {{ this.schema }}.{{ this.identifier }}({{ parameters | join(', ') }})
        returns table
        return
        {{ sql }}
    {%- endcall %}

    {{ run_hooks(post_hooks) }}

    {{ return({'relations': []}) }}
{%- endmaterialization %}
