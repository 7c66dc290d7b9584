{#-
    Window functions over the sessions of one symbol. Every frame is written out in full with the same partition and
    order: the engine then sorts once for all of them, and no dialect needs named windows that can be extended.
    All of them expect the columns symbol, trade_date and session_number (1 on the symbol's first bar).
-#}

{% macro last_sessions(sessions) -%}
    over (
        partition by symbol order by trade_date
        rows between {{ sessions - 1 }} preceding and current row
    )
{%- endmacro %}


{% macro once_known(expression, sessions) -%}
    case when session_number >= {{ sessions }} then {{ expression }} end
{%- endmacro %}


{% macro sma(column, sessions) -%}
    {{ once_known('avg(' ~ column ~ ') ' ~ last_sessions(sessions), sessions) }}
{%- endmacro %}


{% macro deviation_of_population(column, sessions) -%}
    {{ once_known('stddev_pop(' ~ column ~ ') ' ~ last_sessions(sessions), sessions) }}
{%- endmacro %}


{#- the first session has no return, so n returns are known one session later than n closes -#}
{% macro deviation_of_returns(column, sessions) -%}
    {{ once_known('stddev_samp(' ~ column ~ ') ' ~ last_sessions(sessions), sessions + 1) }}
{%- endmacro %}


{% macro highest(column, sessions) -%}
    {{ once_known('max(' ~ column ~ ') ' ~ last_sessions(sessions), sessions) }}
{%- endmacro %}


{% macro lowest(column, sessions) -%}
    {{ once_known('min(' ~ column ~ ') ' ~ last_sessions(sessions), sessions) }}
{%- endmacro %}


{% macro sessions_ago(column, sessions, of=none) -%}
    {%- set prefix = of ~ '.' if of else '' -%}
    lag({{ column }}, {{ sessions }}) over (
        partition by {{ prefix }}symbol order by {{ prefix }}trade_date
    )
{%- endmacro %}


{% macro pct_change(value, base) -%}
    100 * ({{ value }} / {{ base }} - 1)
{%- endmacro %}
