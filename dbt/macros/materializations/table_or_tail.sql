{#-
    A table that is brought up to date where that gives what a rebuild gives, and rebuilt where it does not:
    `technicals_by_tail` decides. dbt's own `incremental` decides by what is there and by --full-refresh alone, and would
    keep rows of a formula that has changed since.
-#}
{% materialization table_or_tail, adapter='duckdb' -%}
    {%- if technicals_by_tail() -%}
        {{ return(dbt.materialization_incremental_duckdb()) }}
    {%- endif -%}
    {%- set batches = symbol_batches() -%}
    {%- if batches | length < 2 -%}
        {{ return(dbt.materialization_table_duckdb()) }}
    {%- endif -%}
    {{ return(table_in_batches(batches)) }}
{%- endmaterialization %}


{#- on Spark always rebuilt: a plain Parquet table has no transaction that would replace a part of it -#}
{% materialization table_or_tail, adapter='spark' -%}
    {{ return(dbt.materialization_table_spark()) }}
{%- endmaterialization %}


{#-
    dbt's table, written batch by batch in one transaction: what the windows of one batch need is held at a time, and
    not what those of the whole market need. `batches` have conditions on the model's rows that each row meets once.
-#}
{% macro table_in_batches(batches) -%}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set made = make_intermediate_relation(target_relation) -%}
    {%- set replaced = load_cached_relation(this) -%}
    {%- set put_aside = make_backup_relation(target_relation, replaced.type if replaced else 'table') -%}
    {{ drop_relation_if_exists(load_cached_relation(made)) }}
    {{ drop_relation_if_exists(load_cached_relation(put_aside)) }}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {%- for batch in batches %}
        {%- set rows -%} select * from ( {{ compiled_code }} ) as batch where {{ batch.condition }} {%- endset %}
        {%- call statement('main' if loop.first else 'batch_' ~ loop.index) -%}
            {%- if loop.first -%}
                {{ create_table_as(False, made, rows) }}
            {%- else -%}
                insert into {{ made }} by name {{ rows }}
            {%- endif -%}
        {%- endcall %}
        {%- do log(this.identifier ~ ': ' ~ "{:,}".format(batch.bars_until) ~ ' of ' ~ "{:,}".format(batches[-1].bars_until) ~ ' rows computed', info=True) -%}
    {%- endfor %}

    {%- if replaced is not none %}
        {{ adapter.rename_relation(replaced, put_aside) }}
    {%- endif %}
    {{ adapter.rename_relation(made, target_relation) }}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target_relation, model) %}
    {{ adapter.commit() }}
    {{ drop_relation_if_exists(put_aside) }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [target_relation]}) }}
{%- endmacro %}


{#-
    Conditions on `symbol` that cut the bars into ranges of some `technicals_rows_at_once` rows, with the bars up to the
    end of each; one where there are fewer. A symbol is never cut: windows run over the whole of it. No ref(): unit tests would have to give the bars.
-#}
{% macro symbol_batches() -%}
    {%- set bars = graph.nodes.values() | selectattr('name', 'equalto', 'int_daily_bars') | first -%}
    {%- set found = run_query(
        "with counted as (select symbol, count(*) as bars from " ~ bars.relation_name ~ " group by symbol), "
        ~ "placed as (select symbol, bars, (sum(bars) over (order by symbol) - bars) // "
        ~ var('technicals_rows_at_once') | int ~ " as batch from counted) "
        ~ "select min(symbol) as first_symbol, max(symbol) as last_symbol, sum(sum(bars)) over (order by batch) as until "
        ~ "from placed group by batch order by batch"
    ) -%}
    {%- set batches = [] -%}
    {%- for first_symbol, last_symbol, bars_until in found.rows -%}
        {%- do batches.append({
            'condition': 'symbol between ' ~ dbt.string_literal(dbt.escape_single_quotes(first_symbol))
                ~ ' and ' ~ dbt.string_literal(dbt.escape_single_quotes(last_symbol)),
            'bars_until': bars_until | int,
        }) -%}
    {%- endfor -%}
    {{ return(batches) }}
{%- endmacro %}
