{#-
    The rows of `relation` in which a rule of plausibility finds something, in the columns that every table of findings
    has. `observed` is the figure that is odd and `threshold` what it was held against; `message` says both in words.
-#}
{% macro finding(rule, relation, condition, found_date, observed, threshold, message, subject='symbol') -%}
    select
        '{{ rule }}' as rule,
        symbol,
        {{ found_date }} as found_date,
        {{ subject }} as subject,
        cast({{ observed }} as double) as observed_value,
        cast({{ threshold }} as double) as threshold_value,
        {{ message }} as message
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}


{#- A finding where a figure lies below `low` or above `high`; a figure that is null is none. -#}
{% macro out_of_bounds(rule, relation, figure, low, high, what, found_date, subject='symbol') -%}
    {{ finding(
        rule, relation,
        figure ~ ' < ' ~ low ~ ' or ' ~ figure ~ ' > ' ~ high,
        found_date, figure,
        'case when ' ~ figure ~ ' < ' ~ low ~ ' then ' ~ low ~ ' else ' ~ high ~ ' end',
        "'" ~ what ~ " is ' || " ~ in_words(figure) ~ " || ', expected from " ~ low ~ " to " ~ high ~ "'",
        subject
    ) }}
{%- endmacro %}


{#- A figure as text: whole above a thousand, three digits after the point below. -#}
{% macro in_words(figure) -%}
    case
        -- however absurd a figure is, it is told, and no integer has room for each
        when abs({{ figure }}) >= 1e15 then cast({{ figure }} as string)
        when abs({{ figure }}) >= 1000 then cast(cast(round({{ figure }}) as bigint) as string)
        else cast(round({{ figure }}, 3) as string)
    end
{%- endmacro %}


{#- The findings with what a person said of them: `reference/accepted_findings.csv` takes a true oddity off the list. -#}
{% macro with_acceptance(findings) -%}
    select
        found.rule,
        found.symbol,
        found.found_date,
        found.subject,
        found.observed_value,
        found.threshold_value,
        found.message,
        coalesce(of_subject.reason, of_day.reason) is not null as is_accepted,
        coalesce(of_subject.reason, of_day.reason) as accepted_reason
    from {{ findings }} as found
    {#- one that names a subject speaks of it alone, one that names none of all that was found on that day -#}
    {%- for name, names_subject in [('of_subject', true), ('of_day', false)] %}
    left join (
        select
            rule,
            symbol,
            found_date,
            {{ 'subject,' if names_subject }}
            max(reason) as reason
        from {{ ref('stg_curated__accepted_findings') }}
        where subject is {{ 'not null' if names_subject else 'null' }}
        group by rule, symbol, found_date{{ ', subject' if names_subject }}
    ) as {{ name }}
        on
            found.rule = {{ name }}.rule
            and found.symbol = {{ name }}.symbol
            and found.found_date = {{ name }}.found_date
            {{ 'and found.subject = of_subject.subject' if names_subject }}
    {%- endfor %}
{%- endmacro %}
