{#-
    What DuckDB and Spark write differently. A model asks for it by name here and stays the same on both; docs/engines.md
    says why each is needed. The default branch is standard SQL where there is one, else Spark's, which most engines on
    files read.
-#}

{#- every column of a relation but those; the relation's name as the query knows it -#}
{% macro all_but(relation, columns) -%}
    {{ return(adapter.dispatch('all_but')(relation, columns)) }}
{%- endmacro %}

{% macro default__all_but(relation, columns) -%}
    {{ relation }}.* except ({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__all_but(relation, columns) -%}
    {{ relation }}.* exclude ({{ columns | join(', ') }})
{%- endmacro %}


{#- after the `as` of a CTE: computed once and kept for all who ask, or anew for each with what he asks of it alone -#}
{% macro materialized(is_kept=true) -%}
    {{ return(adapter.dispatch('materialized')(is_kept)) }}
{%- endmacro %}

{% macro default__materialized(is_kept) -%} {%- endmacro %}

{% macro duckdb__materialized(is_kept) -%}
    {{ '' if is_kept else 'not ' }}materialized
{%- endmacro %}


{#- a window function that passes over nulls; `over` follows -#}
{% macro ignoring_nulls(function, column) -%}
    {{ return(adapter.dispatch('ignoring_nulls')(function, column)) }}
{%- endmacro %}

{% macro default__ignoring_nulls(function, column) -%}
    {{ function }}({{ column }}) ignore nulls
{%- endmacro %}

{% macro duckdb__ignoring_nulls(function, column) -%}
    {{ function }}({{ column }} ignore nulls)
{%- endmacro %}


{#- several columns as one value, each kept under its name -#}
{% macro one_value_of(columns) -%}
    {{ return(adapter.dispatch('one_value_of')(columns)) }}
{%- endmacro %}

{% macro default__one_value_of(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__one_value_of(columns) -%}
    struct_pack({{ columns | join(', ') }})
{%- endmacro %}


{#- several columns as one value that compares by the first, then by the second ... -#}
{% macro compared_in_turn(columns) -%}
    {{ return(adapter.dispatch('compared_in_turn')(columns)) }}
{%- endmacro %}

{% macro default__compared_in_turn(columns) -%}
    struct({{ columns | join(', ') }})
{%- endmacro %}

{% macro duckdb__compared_in_turn(columns) -%}
    row({{ columns | join(', ') }})
{%- endmacro %}


{#- a sum of doubles in the order of their size, so that a second run gives the same digits; null where all are null -#}
{% macro sum_in_order(column) -%}
    {{ return(adapter.dispatch('sum_in_order')(column)) }}
{%- endmacro %}

{% macro default__sum_in_order(column) -%}
    case
        when count({{ column }}) > 0
            then aggregate(array_sort(collect_list({{ column }})), 0D, (total, one) -> total + one)
    end
{%- endmacro %}

{% macro duckdb__sum_in_order(column) -%}
    list_sum(list({{ column }} order by {{ column }}))
{%- endmacro %}


{#- a mean of doubles, added up in the same way -#}
{% macro mean_in_order(column) -%}
    {{ return(adapter.dispatch('mean_in_order')(column)) }}
{%- endmacro %}

{% macro default__mean_in_order(column) -%}
    {{ sum_in_order(column) }} / count({{ column }})
{%- endmacro %}

{% macro duckdb__mean_in_order(column) -%}
    list_avg(list({{ column }} order by {{ column }}))
{%- endmacro %}


{#- the texts of a group in one, separated by ', ', in the order of another column -#}
{% macro texts_in_order(text, order_by) -%}
    {{ return(adapter.dispatch('texts_in_order')(text, order_by)) }}
{%- endmacro %}

{% macro default__texts_in_order(text, order_by) -%}
    listagg({{ text }}, ', ') within group (order by {{ order_by }})
{%- endmacro %}

{% macro duckdb__texts_in_order(text, order_by) -%}
    string_agg({{ text }}, ', ' order by {{ order_by }})
{%- endmacro %}


{#- the n highest values of a group as a list, the highest first; DuckDB keeps a heap of them instead of sorting all -#}
{% macro last_values(column, n, condition) -%}
    {{ return(adapter.dispatch('last_values')(column, n, condition)) }}
{%- endmacro %}

{% macro default__last_values(column, n, condition) -%}
    slice(sort_array(collect_list({{ column }}) filter (where {{ condition }}), false), 1, {{ n }})
{%- endmacro %}

{% macro duckdb__last_values(column, n, condition) -%}
    max({{ column }}, {{ n }}) filter (where {{ condition }})
{%- endmacro %}


{#- how many values a list has -#}
{% macro length_of(values) -%}
    {{ return(adapter.dispatch('length_of')(values)) }}
{%- endmacro %}

{% macro default__length_of(values) -%} size({{ values }}) {%- endmacro %}

{% macro duckdb__length_of(values) -%} len({{ values }}) {%- endmacro %}


{#- the nth value of a list, counted from 1; null beyond its end -#}
{% macro nth_of(values, n) -%}
    {{ return(adapter.dispatch('nth_of')(values, n)) }}
{%- endmacro %}

{% macro default__nth_of(values, n) -%} try_element_at({{ values }}, {{ n }}) {%- endmacro %}

{% macro duckdb__nth_of(values, n) -%} {{ values }}[{{ n }}] {%- endmacro %}


{#- as many rows as the text has parts, one part in each -#}
{% macro a_row_for_each_part(text, separator) -%}
    {{ return(adapter.dispatch('a_row_for_each_part')(text, separator)) }}
{%- endmacro %}

{% macro default__a_row_for_each_part(text, separator) -%}
    explode(split({{ text }}, '{{ separator }}'))
{%- endmacro %}

{% macro duckdb__a_row_for_each_part(text, separator) -%}
    unnest(string_split({{ text }}, '{{ separator }}'))
{%- endmacro %}


{#- a relation with the whole numbers from `first` to `last` in its column n -#}
{% macro whole_numbers(first, last) -%}
    {{ return(adapter.dispatch('whole_numbers')(first, last)) }}
{%- endmacro %}

{% macro default__whole_numbers(first, last) -%}
    range({{ first }}, {{ last + 1 }}) as numbers(n)
{%- endmacro %}

{% macro duckdb__whole_numbers(first, last) -%}
    generate_series({{ first }}, {{ last }}) as numbers(n)
{%- endmacro %}


{#- days from one date to another, negative where the other is earlier -#}
{% macro days_from(first, last) -%}
    {{ return(adapter.dispatch('days_from')(first, last)) }}
{%- endmacro %}

{% macro default__days_from(first, last) -%} datediff({{ last }}, {{ first }}) {%- endmacro %}

{% macro duckdb__days_from(first, last) -%} ({{ last }} - {{ first }}) {%- endmacro %}


{#- 1 on a Monday to 7 on a Sunday -#}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch('iso_weekday')(day)) }}
{%- endmacro %}

{% macro default__iso_weekday(day) -%} extract(dow_iso from {{ day }}) {%- endmacro %}

{% macro duckdb__iso_weekday(day) -%} extract(isodow from {{ day }}) {%- endmacro %}


{#- neither infinite nor NaN; null of a null -#}
{% macro is_finite(number) -%}
    {{ return(adapter.dispatch('is_finite')(number)) }}
{%- endmacro %}

{% macro default__is_finite(number) -%}
    (abs({{ number }}) < double('Infinity') and not isnan({{ number }}))
{%- endmacro %}

{% macro duckdb__is_finite(number) -%} isfinite({{ number }}) {%- endmacro %}
