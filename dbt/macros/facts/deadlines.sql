{#-
    The day on which the term of a report ends: `months` (to the end of that month) or `days` after the period end. By
    which day a report is on time whose term ends so is a question to int_filing_days.
-#}
{% macro filing_term_end(period_end, months, days) -%}
    case
        when {{ months }} is not null
            then last_day(cast({{ dbt.dateadd('month', months, period_end) }} as date))
        else cast({{ dbt.dateadd('day', days, period_end) }} as date)
    end
{%- endmacro %}


{#-
    CTEs that end in `next_due`: by symbol and period end of `relation` the day by which the next report is owed. A
    domestic filer owes one every quarter, a foreign one every half of its fiscal year. Reads the CTEs `companies`,
    `deadlines` (the terms used for an estimate) and `filing_days`.
-#}
{% macro next_report_ctes(relation) -%}
    next_periods as (

        select distinct
            reports.symbol,
            reports.period_end_date,
            companies.filer_type,
            cast(split_part(companies.fiscal_year_end, '-', 1) as integer) as fiscal_year_end_month,
            last_day(
                cast({{ dbt.dateadd(
                    'month',
                    "case when companies.filer_type = 'domestic' then 3 when (12 + cast(split_part(companies.fiscal_year_end, '-', 1) as integer) - cast(extract(month from reports.period_end_date) as integer)) % 6 = 0 then 6 else (12 + cast(split_part(companies.fiscal_year_end, '-', 1) as integer) - cast(extract(month from reports.period_end_date) as integer)) % 6 end",
                    'reports.period_end_date'
                ) }} as date)
            ) as next_period_end_date
        from {{ relation }} as reports
        inner join companies on reports.symbol = companies.symbol

    ),

    next_due as (

        select
            next_periods.symbol,
            next_periods.period_end_date,
            next_periods.next_period_end_date,
            filing_days.filing_date as next_report_due_date
        from next_periods
        inner join deadlines
            on
                next_periods.filer_type = deadlines.filer_type
                and deadlines.period = case
                    when
                        extract(month from next_periods.next_period_end_date)
                        = next_periods.fiscal_year_end_month
                        then 'year'
                    else 'quarter'
                end
        left join filing_days
            on
                filing_days.calendar_date
                = {{ filing_term_end(
                    'next_periods.next_period_end_date',
                    'deadlines.months_after_period_end',
                    'deadlines.days_after_period_end'
                ) }}

    )
{%- endmacro %}
