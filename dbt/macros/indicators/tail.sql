{#-
    Recomputing only what changed. With `--vars 'technicals_by_tail: true'` fct_daily_technicals is brought up to date
    instead of rebuilt: int_technicals_stale compares the bars with what the mart holds, and from the first month that
    differs on a symbol's rows are replaced. Smoothed averages go on from the mart's last good row, so the result is
    the full rebuild's, not an approximation. After a change of a formula run with --full-refresh.
-#}

{% macro technicals_by_tail() -%}
    {%- if not execute or not var('technicals_by_tail', false) or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(technicals_mart() is not none) }}
{%- endmacro %}


{#- not ref(): the comparison comes before the mart in the graph, and reads what the last run left there -#}
{% macro technicals_mart() -%}
    {{ return(adapter.get_relation(target.database, 'marts', 'fct_daily_technicals')) }}
{%- endmacro %}


{#- windows look back 252 sessions, and one more for yesterday's value -#}
{% macro longest_lookback() -%} 253 {%- endmacro %}


{#- all but the windows over 200 sessions and a year look back 63 sessions at most, and one more -#}
{% macro short_lookback() -%} 64 {%- endmacro %}


{#-
    How many sessions a symbol must be known for to go on from its last good row. MACD's fast average is taken to have
    come together with ema_12 by then: 11/13 to the power of 266, the sessions since its own first value.
-#}
{% macro sessions_to_go_on_from() -%} 300 {%- endmacro %}


{#- months are counted, since truncating every date would cost as much as everything else here -#}
{% macro bars_by_month(relation) -%}
    select
        symbol,
        make_date(cast(floor(month_number / 12) as integer), month_number % 12 + 1, 1) as month_start,
        bars,
        last_date,
        fingerprint

    from (
        select
            symbol,
            cast(12 * year(trade_date) + month(trade_date) - 1 as integer) as month_number,
            count(*) as bars,
            max(trade_date) as last_date,
            {{ fingerprint_of(['trade_date', 'open', 'high', 'low', 'close', 'volume', 'price_source', 'is_suspect']) }}
                as fingerprint

        from {{ relation }}
        group by all
    ) as months
{%- endmacro %}


{#- one number for a set of rows that changes when any value of any row does -#}
{% macro fingerprint_of(columns) -%}
    {{ return(adapter.dispatch('fingerprint_of')(columns)) }}
{%- endmacro %}

{% macro default__fingerprint_of(columns) -%}
    bit_xor(xxhash64({{ columns | join(', ') }}))
{%- endmacro %}

{% macro duckdb__fingerprint_of(columns) -%}
    bit_xor(hash({{ columns | join(', ') }}))
{%- endmacro %}


{#-
    In place of a term: where an average is known from the mart, its value on the last known session stands for
    everything up to there.
-#}
{% macro term_or_known(term, known, keep) -%}
    {%- if technicals_by_tail() -%}
        case
            when session_number > known_sessions then {{ term }}
            when session_number = known_sessions then {{ known }} / power({{ keep }}, block_row)
            else 0
        end
    {%- else -%}
        {{ term }}
    {%- endif -%}
{%- endmacro %}


{#- before the new rows go in, in the same transaction -#}
{% macro delete_stale_technicals() -%}
    {%- if technicals_by_tail() -%}
        delete from {{ technicals_mart() }} as mart
        using {{ ref('int_technicals_stale') }} as stale
        where mart.symbol = stale.symbol and mart.trade_date >= stale.replace_from
    {%- endif -%}
{%- endmacro %}
