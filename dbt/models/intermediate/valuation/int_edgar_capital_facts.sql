{% set debt_tags = {
    'us-gaap:DebtLongtermAndShorttermCombinedAmount': 'all_debt_usd',
    'us-gaap:LongTermDebt': 'long_term_usd',
    'us-gaap:LongTermDebtNoncurrent': 'noncurrent_usd',
    'us-gaap:LongTermDebtCurrent': 'current_usd',
    'us-gaap:ShortTermBorrowings': 'short_term_usd',
} -%}

with

facts as (

    select * from {{ ref('stg_edgar__capital_facts') }}

),

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

companies as (

    select * from {{ ref('stg_curated__companies') }}

),

deadlines as (

    select * from {{ ref('stg_curated__filing_deadlines') }}
    where used_for_estimate

),

filing_days as (

    select * from {{ ref('int_filing_days') }}

),

-- the day at whose close a filing could be read
dated as (

    select
        facts.*,
        cast(coalesce(substr(facts.accepted_at, 1, 10), cast(facts.filed_date as string)) as date)
            as public_date,
        substr(facts.accepted_at, 12, 5) as public_time
    from facts

),

known as (

    select
        dated.*,
        {{ public_from('dated.public_date', 'dated.public_time') }} as known_date
    from dated

),

-- two tags of one filing may state one thing: the first of the list of concepts is taken
plain as (

    select
        symbol,
        measure,
        period_end_date,
        accession,
        form,
        known_date,
        amount,
        concept,
        false as is_partial,
        source_url,
        source_file,
        source_row
    from known
    where measure in ('shares_outstanding', 'cash_usd')
    qualify row_number() over (
        partition by symbol, measure, period_end_date, accession order by concept desc
    ) = 1

),

debt_tags as (

    select
        symbol,
        period_end_date,
        accession,
        min(form) as form,
        min(known_date) as known_date,
        min(source_url) as source_url,
        min(source_file) as source_file,
        min(source_row) as source_row,
        {% for tag, column in debt_tags.items() %}
            max(case when concept = '{{ tag }}' then amount end) as {{ column }},
        {% endfor %}
        -- notes and convertibles overlap with each other and with the rest: no sum of them is a total
        max(
            case
                when
                    {% for tag in debt_tags %}
                        concept <> '{{ tag }}'{{ ' and' if not loop.last }}
                    {% endfor %}
                    then amount
            end
        ) as largest_part_usd
    from known
    where measure in ('debt_usd', 'debt_part_usd')
    group by symbol, period_end_date, accession

),

-- all debt is stated as such, or long-term and short-term debt both are; anything less is a part
debt as (

    select
        *,
        coalesce(
            all_debt_usd,
            coalesce(long_term_usd, noncurrent_usd + current_usd) + short_term_usd
        ) as whole_usd,
        case
            when all_debt_usd is not null then 'us-gaap:DebtLongtermAndShorttermCombinedAmount'
            when long_term_usd is not null then 'us-gaap:LongTermDebt + us-gaap:ShortTermBorrowings'
            else
                'us-gaap:LongTermDebtNoncurrent + us-gaap:LongTermDebtCurrent'
                || ' + us-gaap:ShortTermBorrowings'
        end as whole_concept,
        greatest(
            coalesce(long_term_usd, 0),
            coalesce(noncurrent_usd, 0) + coalesce(current_usd, 0),
            coalesce(largest_part_usd, 0)
        ) + coalesce(short_term_usd, 0) as part_usd
    from debt_tags

),

figures as (

    select * from plain

    union all

    select
        symbol,
        case when whole_usd is not null then 'debt_usd' else 'partial_debt_usd' end as measure,
        period_end_date,
        accession,
        form,
        known_date,
        coalesce(whole_usd, part_usd) as amount,
        case when whole_usd is not null then whole_concept else 'part of the debt tags' end as concept,
        whole_usd is null as is_partial,
        source_url,
        source_file,
        source_row
    from debt

),

-- that there is a report: the latest balance sheet that a periodic filing states
reports as (

    select
        symbol,
        max(period_end_date) as period_end_date,
        accession,
        min(form) as form,
        min(known_date) as known_date,
        min(source_url) as source_url,
        min(source_file) as source_file,
        min(source_row) as source_row
    from figures
    where
        measure <> 'shares_outstanding'
        and split_part(form, '/', 1) in ('10-Q', '10-K', '20-F', '40-F')
    group by symbol, accession

),

{{ next_report_ctes('reports') }},

final as (

    select
        symbol,
        measure,
        period_end_date,
        accession,
        form,
        known_date,
        amount,
        concept,
        is_partial,
        cast(null as date) as next_report_due_date,
        source_url,
        source_file,
        source_row
    from figures

    union all

    select
        reports.symbol,
        'report' as measure,
        reports.period_end_date,
        reports.accession,
        reports.form,
        reports.known_date,
        cast(null as double) as amount,
        cast(null as string) as concept,
        false as is_partial,
        next_due.next_report_due_date,
        reports.source_url,
        reports.source_file,
        reports.source_row
    from reports
    left join next_due
        on
            reports.symbol = next_due.symbol
            and reports.period_end_date = next_due.period_end_date

)

select * from final
