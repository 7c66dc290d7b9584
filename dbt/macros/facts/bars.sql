{#-
    Whether a bar is none: no volume, no range, closed where the day before did. `close_before` is the column with that
    close; null where one of these is not known.
-#}
{% macro is_ghost_bar(close_before) -%}
    volume = 0 and high = low and close = {{ close_before }}
{%- endmacro %}
