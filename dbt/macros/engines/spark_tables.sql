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


{#- `as_the_contract_promises` has seen to them; a Parquet table takes no constraint afterwards -#}
{% macro spark__persist_constraints(relation, model) -%}
{%- endmacro %}


{#-
    dbt's own names for days and months more or less, of dates alone. dbt-spark's ways go over moments in a time zone, give
    null for the plain timestamps that the session has, and fail on a null.
-#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {%- if datepart == 'day' -%}
        date_add(cast({{ from_date_or_timestamp }} as date), cast({{ interval }} as int))
    {%- elif datepart == 'month' -%}
        cast(add_months(cast({{ from_date_or_timestamp }} as date), cast({{ interval }} as int)) as date)
    {%- else -%}
        {{ exceptions.raise_compiler_error('dates are counted in days and months, not in ' ~ datepart ~ 's') }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart != 'day' -%}
        {{ exceptions.raise_compiler_error('dates lie days apart, not ' ~ datepart ~ 's') }}
    {%- endif -%}
    datediff(cast({{ second_date }} as date), cast({{ first_date }} as date))
{%- endmacro %}


{#- dbt-spark's own leaves the order out -#}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}
