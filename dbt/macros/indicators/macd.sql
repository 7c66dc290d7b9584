{#-
    MACD(fast, slow, signal) as TA-Lib seeds it, from three plain running sums.

    TA-Lib starts both averages on the slow one's seed row: the fast one is seeded there with the mean of the last
    `fast` closes, so it differs from ema_fast by a gap that decays with every session (`macd_seed_gap`). The signal is
    an EMA of fast minus slow, seeded with the mean of its first `signal` values.

    An EMA of an EMA is a weighted difference of two EMAs of the closes themselves. With keep = 1 - alpha,

        ema_signal(ema_n) = c_n * ema_n - (...) * ema_signal,   c_n = alpha_signal * keep_n / (keep_n - keep_signal)

    so the signal is `c_fast * fast - c_slow * slow + signal_rest`, where signal_rest is one more running sum over
    closes that decays with keep_signal. That spares a second pass over the sorted series. The weights of the first
    slow + signal - 1 closes are what TA-Lib's seeds work out to; they are computed here, once, when dbt compiles.
-#}

{#- c_n: how much of ema_n is in the signal line -#}
{% macro signal_share(periods, signal) -%}
    {%- set keep = (periods - 1) / (periods + 1) -%}
    {%- set keep_signal = (signal - 1) / (signal + 1) -%}
    {{ return(2 / (signal + 1) * keep / (keep - keep_signal)) }}
{%- endmacro %}


{#- what each of the first `slow` closes adds to fast minus ema_fast on the slow average's seed row -#}
{% macro macd_gap_weights(fast, slow) -%}
    {%- set alpha = 2 / (fast + 1) -%}
    {%- set weights = [] -%}
    {%- for row in range(1, slow + 1) -%}
        {%- set in_fast = 1 / fast if row > slow - fast else 0 -%}
        {%- set in_ema = (1 - alpha) ** (slow - fast) / fast if row <= fast else alpha * (1 - alpha) ** (slow - row) -%}
        {%- do weights.append(in_fast - in_ema) -%}
    {%- endfor -%}
    {{ return(weights) }}
{%- endmacro %}


{#- the weight of close `row` in an average seeded on row `slow` with its last `periods` closes, as seen on row `at` -#}
{% macro weight_in_average(row, at, periods, slow) -%}
    {%- set alpha = 2 / (periods + 1) -%}
    {%- if row > at or row <= slow - periods -%}
        {{ return(0) }}
    {%- elif row <= slow -%}
        {{ return((1 - alpha) ** (at - slow) / periods) }}
    {%- else -%}
        {{ return(alpha * (1 - alpha) ** (at - row)) }}
    {%- endif -%}
{%- endmacro %}


{#- what each of the first slow + signal - 1 closes adds to signal_rest on the first row that has a signal -#}
{% macro signal_rest_weights(fast, slow, signal) -%}
    {%- set first = slow + signal - 1 -%}
    {%- set weights = [] -%}
    {%- for row in range(1, first + 1) -%}
        {%- set ns = namespace(mean=0) -%}
        {%- for at in range(slow, first + 1) -%}
            {%- set ns.mean = ns.mean + (
                weight_in_average(row, at, fast, slow) - weight_in_average(row, at, slow, slow)
            ) / signal -%}
        {%- endfor -%}
        {%- do weights.append(
            ns.mean
            - signal_share(fast, signal) * weight_in_average(row, first, fast, slow)
            + signal_share(slow, signal) * weight_in_average(row, first, slow, slow)
        ) -%}
    {%- endfor -%}
    {{ return(weights) }}
{%- endmacro %}


{#- pick the weight of this session from a list; null after its end -#}
{% macro weight_of_session(weights) -%}
    {{ return(adapter.dispatch('weight_of_session')(weights)) }}
{%- endmacro %}

{% macro default__weight_of_session(weights) -%}
    get(array({% for weight in weights %}{{ weight }}D{{ ', ' if not loop.last }}{% endfor %}), session_number - 1)
{%- endmacro %}

{% macro duckdb__weight_of_session(weights) -%}
    list_extract([{% for weight in weights %}{{ weight }}::double{{ ', ' if not loop.last }}{% endfor %}], session_number)
{%- endmacro %}


{% macro macd_seed_gap_term(column, fast, slow) -%}
    case
        when session_number <= {{ slow }}
            then {{ column }} * {{ weight_of_session(macd_gap_weights(fast, slow)) }}
    end
{%- endmacro %}


{% macro signal_rest_term(column, fast, slow, signal) -%}
    {%- set first = slow + signal - 1 -%}
    {%- set keep_signal = (signal - 1) / (signal + 1) -%}
    {%- set alpha_signal = 2 / (signal + 1) -%}
    {#- share of the signal's own EMA that c_fast and c_slow leave over -#}
    {%- set rest =
        2 / (fast + 1) * keep_signal / ((fast - 1) / (fast + 1) - keep_signal)
        - 2 / (slow + 1) * keep_signal / ((slow - 1) / (slow + 1) - keep_signal) -%}
    {{ column }} * case
        when session_number > {{ first }}
            then {{ -rest * alpha_signal }}::double / power({{ ema_keep(signal) }}, block_row)
        else
            {{ weight_of_session(signal_rest_weights(fast, slow, signal)) }}
            / power({{ ema_keep(signal) }}, {{ first - 1 }})
    end
{%- endmacro %}


{#- the gap on its seed row, decayed to this session -#}
{% macro macd_fast_gap(gap, fast, slow) -%}
    {{ gap }} * power({{ ema_keep(fast) }}, session_number - {{ slow }})
{%- endmacro %}


{#- the signal line from fast, slow and what remains -#}
{% macro macd_signal(fast_line, slow_line, rest, fast, slow, signal) -%}
    {{ signal_share(fast, signal) }}::double * {{ fast_line }}
    - {{ signal_share(slow, signal) }}::double * {{ slow_line }}
    + {{ rest }}
{%- endmacro %}


{#- the other way round: what remains, from a row of the mart whose fast average has come together with ema_fast -#}
{% macro signal_rest_of(signal_line, macd_line, slow_line, fast, slow, signal) -%}
    {{ signal_line }}
    - {{ signal_share(fast, signal) }}::double * ({{ macd_line }} + {{ slow_line }})
    + {{ signal_share(slow, signal) }}::double * {{ slow_line }}
{%- endmacro %}
