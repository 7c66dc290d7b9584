{#-
    Recomputing only what changed. fct_daily_technicals is brought up to date instead of rebuilt where the formulas that
    made it still hold: int_technicals_stale compares the bars with what the mart holds, and from the first month that
    differs on a symbol's rows are replaced. Smoothed averages go on from the mart's last good row, so the result is the
    full rebuild's, not an approximation.

    Whether the formulas still hold says a fingerprint of them: the caller hands it over as the variable
    `technicals_fingerprint`, and the build file keeps, beside the mart, the one that it was made with. Without the
    variable, with another fingerprint, and with --full-refresh everything is computed anew.
-#}

{#- whether the engine can replace a part of a table in the transaction in which it notes that it did -#}
{% macro engine_replaces_tails() -%}
    {{ return(adapter.dispatch('engine_replaces_tails')()) }}
{%- endmacro %}

{% macro default__engine_replaces_tails() -%} {{ return(false) }} {%- endmacro %}

{% macro duckdb__engine_replaces_tails() -%} {{ return(true) }} {%- endmacro %}


{% macro technicals_by_tail() -%}
    {%- set fingerprint = var('technicals_fingerprint', none) -%}
    {%- if not execute or not engine_replaces_tails() or not fingerprint or flags.FULL_REFRESH or technicals_mart() is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(fingerprint == last_technicals_fingerprint()) }}
{%- endmacro %}


{#- one row per time the mart was written, the last hundred, in the same transaction as its rows -#}
{% macro technicals_builds() -%} intermediate.technicals_builds {%- endmacro %}


{#- what the mart that stands was made with; none where nobody wrote it down -#}
{% macro last_technicals_fingerprint() -%}
    {%- if adapter.get_relation(target.database, 'intermediate', 'technicals_builds') is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set found = run_query(
        'select arg_max(coalesce(fingerprint, \'\'), build_number) from ' ~ technicals_builds()
    ) -%}
    {{ return(found.columns[0].values()[0]) }}
{%- endmacro %}


{#-
    The views before the mart are compiled for one way or the other. A mart built by itself, the other way than they
    were, would lose rows or double them.
-#}
{% macro refuse_views_of_the_other_way() -%}
    {%- if execute and engine_replaces_tails() and flags.WHICH in ('run', 'build') and technicals_mart() is not none -%}
        {%- set found = run_query(
            "select sql like '%int_technicals_stale%' from duckdb_views() "
            ~ "where schema_name = 'intermediate' and view_name = 'int_technical_sessions'"
        ) -%}
        {%- if found.rows and found.rows[0][0] != technicals_by_tail() -%}
            {{ exceptions.raise_compiler_error(
                'fct_daily_technicals cannot be built by itself now: build int_technicals_stale, '
                ~ 'int_technical_sessions, int_technical_terms and int_technical_windows with it'
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- not ref(): the comparison comes before the mart in the graph, and reads what the last run left there -#}
{% macro technicals_mart() -%}
    {{ return(adapter.get_relation(target.database, 'marts', 'fct_daily_technicals')) }}
{%- endmacro %}


{#- windows look back 252 sessions, and one more for yesterday's value -#}
{% macro longest_lookback() -%} 253 {%- endmacro %}


{#-
    The windows that reach back that far. Where little is new they come first, beside the sort that numbers the sessions,
    and all else then runs over the rows that the shorter windows reach.
-#}
{% macro long_windows() %}
        {{ sessions_ago('close', 200) }} as close_200_ago,
        {{ sessions_ago('close', 252) }} as close_252_ago,
        {{ sma('close', 200) }} as sma_200,
        {{ highest('coalesce(high, close)', 252) }} as highest_252,
        {{ lowest('coalesce(low, close)', 252) }} as lowest_252
{%- endmacro %}


{#- their names alone, for whoever passes them on; `of` is the relation that has them -#}
{% macro long_window_names(of=none) -%}
    {%- for name in ['close_200_ago', 'close_252_ago', 'sma_200', 'highest_252', 'lowest_252'] %}
        {{ of ~ '.' if of else '' }}{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


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
            {{ fingerprint_of(bar_columns()) }} as fingerprint

        from {{ relation }}
        group by all
    ) as months
{%- endmacro %}


{#- the same day by day, for each symbol in the first month that differs -#}
{% macro bars_of_first_stale_month(relation) -%}
    select
        bars.symbol,
        bars.trade_date,
        min(first_differences.first_stale_month) as month_start,
        count(*) as bars,
        {{ fingerprint_of(bar_columns()) }} as fingerprint

    from {{ relation }} as bars
    inner join first_differences
        on
            bars.symbol = first_differences.symbol
            and bars.trade_date >= first_differences.first_stale_month
            and bars.trade_date < first_differences.first_stale_month + interval 1 month
    group by bars.symbol, bars.trade_date
{%- endmacro %}


{#- what the mart takes over from a bar -#}
{% macro bar_columns() -%}
    {{ return([
        'trade_date', 'open', 'high', 'low', 'close', 'volume',
        'price_source', 'price_basis', 'is_repaired', 'is_suspect',
    ]) }}
{%- endmacro %}


{#- one number for a set of rows that changes when any value of any row does -#}
{% macro fingerprint_of(columns) -%}
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


{#- after the new rows went in, in the same transaction: which way it went, and with which formulas -#}
{% macro note_technicals_build() -%}
    {%- if not engine_replaces_tails() -%} {{ return('') }} {%- endif -%}
    {%- set stale = ref('int_technicals_stale') -%}
    {%- set by_tail = technicals_by_tail() -%}
    create table if not exists {{ technicals_builds() }} (
        build_number bigint, built_at timestamp, is_by_tail boolean, symbols bigint, rows_written bigint,
        fingerprint varchar
    );
    insert into {{ technicals_builds() }}
    select
        1 + coalesce((select max(builds.build_number) from {{ technicals_builds() }} as builds), 0),
        cast(now() at time zone 'UTC' as timestamp),
        {{ by_tail }},
        count(distinct mart.symbol),
        count(*),
        {{ "'" ~ var('technicals_fingerprint') ~ "'" if var('technicals_fingerprint', none) else 'null' }}
    from {{ this }} as mart
    {%- if by_tail %}
    inner join {{ stale }} as stale on mart.symbol = stale.symbol and mart.trade_date >= stale.replace_from
    {%- endif %};
    delete from {{ technicals_builds() }}
    where build_number <= (select max(builds.build_number) - 100 from {{ technicals_builds() }} as builds)
{%- endmacro %}
