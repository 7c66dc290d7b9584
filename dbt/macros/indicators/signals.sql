{#-
    What is read from the averages: relative strength, and on which side of the long average the short one is.
-#}

{#- a series that never moved has neither gains nor losses: TA-Lib calls its RSI 0 -#}
{% macro relative_strength(average_gain, average_loss) -%}
    case
        when {{ average_gain }} + {{ average_loss }} = 0 then 0
        else 100 * {{ average_gain }} / ({{ average_gain }} + {{ average_loss }})
    end
{%- endmacro %}


{#-
    1 above, -1 below, 0 equal. Two means of the same flat prices differ in their last bits, and that is no crossing:
    what is closer than a trillionth of the long average is equal.
-#}
{% macro side_of(short_average, long_average) -%}
    {{ side_of_gap(short_average ~ ' - ' ~ long_average, long_average) }}
{%- endmacro %}


{#-
    The same, one session ago: a mean of n closes differs from yesterday's by a nth of the close that came in less the
    one that went out, which spares a second sort for yesterday's value.
-#}
{% macro side_of_day_before(short_average, short_sessions, long_average, long_sessions) -%}
    {{ side_of_gap(
        short_average ~ ' - ' ~ long_average
        ~ ' - (close - close_' ~ short_sessions ~ '_ago) / ' ~ short_sessions
        ~ ' + (close - close_' ~ long_sessions ~ '_ago) / ' ~ long_sessions,
        long_average
    ) }}
{%- endmacro %}


{% macro side_of_gap(gap, scale) -%}
    case
        when {{ gap }} > 1e-12 * {{ scale }} then 1
        when {{ gap }} < -1e-12 * {{ scale }} then -1
        when {{ gap }} is not null then 0
    end
{%- endmacro %}
