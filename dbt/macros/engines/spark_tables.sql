{#-
    How a table is made on Spark: as Parquet, and under a contract with the columns and types that the contract promises,
    as DuckDB makes it. dbt-spark would compare the types as texts and refuse `varchar`, and leaves `not_null` to Delta.
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') -%}
    {%- if temporary -%}
        {{ create_temporary_view(relation, compiled_code) }}
    {%- else -%}
        create table {{ relation }}
        using parquet
        {{ partition_cols(label='partitioned by') }}
        {{ comment_clause() }}
        as
        {% if config.get('contract').enforced -%}
            {{ as_the_contract_promises(relation, compiled_code) }}
        {%- else -%}
            {{ compiled_code }}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}


{#- the columns of a contract out of a query: each in its type, and the build fails where one is null that must not be -#}
{% macro as_the_contract_promises(relation, compiled_code) -%}
    {%- set promised = model.columns.values() | map(attribute='name') | list -%}
    {%- set made = get_columns_in_query(compiled_code) -%}
    {%- if promised | sort != made | sort -%}
        {{ exceptions.raise_compiler_error(
            relation ~ ' has the columns ' ~ made | sort | join(', ') ~ ', and its contract promises '
            ~ promised | sort | join(', ')
        ) }}
    {%- endif -%}
    select
    {%- for column in model.columns.values() %}
        {%- set type = 'string' if column.data_type == 'varchar' else column.data_type %}
        {%- if column.constraints | selectattr('type', 'equalto', 'not_null') | list %}
        coalesce(
            cast({{ column.name }} as {{ type }}),
            cast(raise_error('{{ relation.identifier }}.{{ column.name }} must not be null') as {{ type }})
        ) as {{ column.name }}
        {%- else %}
        cast({{ column.name }} as {{ type }}) as {{ column.name }}
        {%- endif %}
        {{- ',' if not loop.last }}
    {%- endfor %}
    from (
        {{ compiled_code }}
    ) as made
{%- endmacro %}
