{#-
    A table that is brought up to date where that gives what a rebuild gives, and rebuilt where it does not:
    `technicals_by_tail` decides. dbt's own `incremental` decides by what is there and by --full-refresh alone, and would
    keep rows of a formula that has changed since.
-#}
{% materialization table_or_tail, adapter='duckdb' -%}
    {%- if technicals_by_tail() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- else -%}
        {{ return(dbt.materialization_table_duckdb()) }}
    {%- endif -%}
{%- endmaterialization %}


{#- on Spark always rebuilt: a plain Parquet table has no transaction that would replace a part of it -#}
{% materialization table_or_tail, adapter='spark' -%}
    {{ return(dbt.materialization_table_spark()) }}
{%- endmaterialization %}
