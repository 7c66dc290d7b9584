{#-
    Exponential smoothing without recursion.

    `A(t) = keep * A(t-1) + (1 - keep) * x(t)` is a weighted sum of everything so far:

        A(t) = power(keep, t) * sum over k <= t of  (1 - keep) * x(k) / power(keep, k)

    so one running sum of *terms* `(1 - keep) * x / power(keep, row)`, scaled back by `power(keep, row)`, is the whole
    average. The power would leave the range of a double after some thousand rows, so rows are counted inside blocks
    of 1,024, and what the blocks before summed up to is carried over. One block weighs the next one's start by 1e-33 at
    most, but a share of two such averages (RSI) keeps its value through years of flat prices: no block is dropped.

    TA-Lib starts an average from the plain mean of its first inputs. In terms: every input up to the seed row weighs
    1/n there, as if it had arrived on the seed row.

    Columns expected: session_number, block_number and block_row (`block_of` gives the last two).
-#}

{% macro block_length() -%} 1024 {%- endmacro %}


{% macro block_of(session_number) -%}
    {{ return(adapter.dispatch('block_of')(session_number)) }}
{%- endmacro %}

{% macro default__block_of(session_number) -%}
    ({{ session_number }} - 1) div {{ block_length() }} as block_number,
    ({{ session_number }} - 1) % {{ block_length() }} as block_row
{%- endmacro %}

{% macro duckdb__block_of(session_number) -%}
    ({{ session_number }} - 1) // {{ block_length() }} as block_number,
    ({{ session_number }} - 1) % {{ block_length() }} as block_row
{%- endmacro %}


{#- what is kept of yesterday's average, as an exact fraction -#}
{% macro ema_keep(periods) -%} {{ periods - 1 }}e0 / {{ periods + 1 }} {%- endmacro %}

{% macro wilder_keep(periods) -%} {{ periods - 1 }}e0 / {{ periods }} {%- endmacro %}


{% macro ema_term(column, periods) -%}
    {{ column }} * case
        when session_number > {{ periods }}
            then 2e0 / {{ periods + 1 }} / power({{ ema_keep(periods) }}, block_row)
        else 1e0 / {{ periods }} / power({{ ema_keep(periods) }}, {{ periods - 1 }})
    end
{%- endmacro %}


{#-
    The term of a Wilder average of changes: changes start on the second session, so the first n of them
    are complete on session n + 1, whose block_row is n.
-#}
{% macro wilder_term(column, periods) -%}
    {{ column }} / {{ periods }} / power(
        {{ wilder_keep(periods) }},
        case when session_number > {{ periods + 1 }} then block_row else {{ periods }} end
    )
{%- endmacro %}


{#- the sum of a term from the start of its block; engines differ in whether a frame may start at a computed row -#}
{% macro sum_in_block(term) -%}
    {{ return(adapter.dispatch('sum_in_block')(term)) }}
{%- endmacro %}

{% macro default__sum_in_block(term) -%}
    sum({{ term }}) over (
        partition by symbol, block_number order by trade_date
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{#- same partition and order as every other frame: one sort for all -#}
{% macro duckdb__sum_in_block(term) -%}
    sum({{ term }}) over (
        partition by symbol order by trade_date
        rows between block_row preceding and current row
    )
{%- endmacro %}


{#- a value that stands on the first row of a block only, for all its rows -#}
{% macro first_in_block(column) -%}
    {{ return(adapter.dispatch('first_in_block')(column)) }}
{%- endmacro %}

{% macro default__first_in_block(column) -%}
    first_value({{ column }}) over (
        partition by symbol, block_number order by trade_date
        rows between unbounded preceding and current row
    )
{%- endmacro %}

{% macro duckdb__first_in_block(column) -%}
    first_value({{ column }}) over (
        partition by symbol order by trade_date
        rows between block_row preceding and current row
    )
{%- endmacro %}


{#-
    What the earlier blocks of a symbol summed up to, brought to the scale of this one. Ten blocks back is beyond the
    range of a double for any average of up to 14 periods, and beyond its digits for any of up to 250.
-#}
{% macro carry_into_block(total, keep) -%}
    {%- for back in range(1, 10) %}
    power({{ keep }}, {{ back * block_length() | int }})
    * coalesce(lag({{ total }}, {{ back }}) over (partition by symbol order by block_number), 0)
    {{- ' +' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- the average itself; the term of a block's first row holds what the blocks before add -#}
{% macro smoothed(term, keep) -%}
    power({{ keep }}, block_row) * {{ sum_in_block(term) }}
{%- endmacro %}
