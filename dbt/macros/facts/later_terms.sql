{#- The terms of a contract that may become public after its announcement, as staging names them. -#}
{% macro later_terms() -%}
    {{ return([
        'end_user', 'site', 'state_or_country', 'critical_it_mw', 'gross_mw', 'contract_value_usd', 'term_years',
        'max_value_with_extensions_usd', 'backstop_party', 'backstop_usd', 'capex_usd_per_critical_it_mw',
        'warrant_shares', 'expected_start_date'
    ]) }}
{%- endmacro %}


{#- whether `not_public`, a list with '; ' between, names the column -#}
{% macro is_named_in(not_public, column) -%}
    contains('; ' || {{ not_public }} || '; ', '; {{ column }}; ')
{%- endmacro %}
