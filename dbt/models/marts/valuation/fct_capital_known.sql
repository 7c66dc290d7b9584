{% set measures = [
    'shares_outstanding', 'diluted_shares', 'cash_usd', 'debt_usd', 'btc_held', 'partial_debt_usd',
] -%}

with

facts as (

    select * from {{ ref('int_capital_facts') }}

),

-- a report makes the one before it old, and so does the day on which the next one is overdue
believed as (

    select
        symbol,
        believed_from_date,
        believed_to_date
    from facts

    union

    select
        symbol,
        cast({{ dbt.dateadd('day', 1, 'next_report_due_date') }} as date) as believed_from_date,
        cast(null as date) as believed_to_date
    from facts
    where
        measure = 'report'
        and believed_from_date is not null
        and next_report_due_date >= believed_from_date

),

{{ known_period_ctes('believed') }},

-- of every measure the latest amount known in the period, whichever report it comes from
ranked as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        known_periods.known_to_date,
        facts.measure,
        facts.amount,
        facts.amount_date,
        facts.known_date,
        facts.known_date_is_estimated,
        facts.period_end_date,
        facts.source_url,
        facts.concept,
        facts.accession,
        facts.next_report_due_date,
        row_number() over (
            partition by known_periods.symbol, known_periods.known_from_date, facts.measure
            order by facts.amount_date desc, facts.period_end_date desc, facts.known_date desc
        ) as recency
    from known_periods
    inner join facts
        on
            known_periods.symbol = facts.symbol
            and {{ believed_on('known_periods.known_from_date', 'facts') }}

),

pivoted as (

    select
        symbol,
        known_from_date,
        known_to_date,
        max(case when measure = 'report' then period_end_date end) as last_report_period_end_date,
        max(case when measure = 'report' then next_report_due_date end) as next_report_due_date,
        {% for measure in measures %}
            max(case when measure = '{{ measure }}' then amount end) as {{ measure }},
            max(case when measure = '{{ measure }}' then amount_date end)
                as {{ measure }}_as_of_date,
            max(case when measure = '{{ measure }}' then known_date end)
                as {{ measure }}_known_date,
            max(case when measure = '{{ measure }}' then source_url end)
                as {{ measure }}_source_url,
            max(case when measure = '{{ measure }}' then concept || ' in ' || accession end)
                as {{ measure }}_filing,
        {% endfor %}
        bool_or(known_date_is_estimated and measure <> 'report') as known_date_is_estimated
    from ranked
    where recency = 1
    group by symbol, known_from_date, known_to_date

),

aged as (

    select
        *,
        case
            when known_from_date > next_report_due_date
                then 'outdated: the next report was due by ' || next_report_due_date
        end as age_gap,
        coalesce(partial_debt_usd_as_of_date > debt_usd_as_of_date, debt_usd is null)
        and partial_debt_usd is not null as is_debt_partial
    from pivoted

),

-- what is missing of a figure or outdated in it, null where nothing is
gaps as (

    select
        *,
        case
            when is_debt_partial and cash_usd is null
                then 'partial: an instrument of debt is not known, no cash figure'
            when is_debt_partial then 'partial: an instrument of debt is not known'
            when debt_usd is null and cash_usd is null then 'no debt and no cash figure'
            when debt_usd is null then 'no debt figure'
            when cash_usd is null then 'no cash figure'
            when least(debt_usd_as_of_date, cash_usd_as_of_date) < last_report_period_end_date
                then 'outdated: not all of the last report was seen'
            else age_gap
        end as net_debt_gap,
        case
            when shares_outstanding is null then 'no share count'
            when shares_outstanding_as_of_date < last_report_period_end_date
                then 'outdated: not all of the last report was seen'
            else age_gap
        end as shares_gap,
        case
            when btc_held is null then 'no coin count'
            when btc_held_as_of_date < last_report_period_end_date
                then 'outdated: not all of the last report was seen'
            else age_gap
        end as btc_gap
    from aged

),

final as (

    select
        symbol,
        known_from_date,
        known_to_date,
        cast(shares_outstanding as bigint) as shares_outstanding,
        shares_outstanding_as_of_date,
        shares_outstanding_known_date,
        shares_outstanding_source_url,
        cast(diluted_shares as bigint) as diluted_shares,
        diluted_shares_as_of_date,
        diluted_shares_known_date,
        diluted_shares_source_url,
        cash_usd,
        cash_usd_as_of_date,
        cash_usd_known_date,
        cash_usd_source_url,
        debt_usd,
        debt_usd_as_of_date,
        debt_usd_known_date,
        debt_usd_source_url,
        btc_held,
        btc_held_as_of_date,
        btc_held_known_date,
        btc_held_source_url,
        debt_usd - cash_usd as net_debt_usd,
        coalesce(net_debt_gap, 'complete') as net_debt_coverage,
        net_debt_gap is null as net_debt_is_complete,
        coalesce(shares_gap, 'complete') as shares_coverage,
        shares_gap is null as shares_is_complete,
        coalesce(btc_gap, 'complete') as btc_coverage,
        btc_gap is null as btc_is_complete,
        last_report_period_end_date,
        next_report_due_date,
        partial_debt_usd,
        partial_debt_usd_as_of_date,
        partial_debt_usd_source_url,
        shares_outstanding_filing,
        cash_usd_filing,
        debt_usd_filing,
        coalesce(known_date_is_estimated, false) as known_date_is_estimated
    from gaps

)

select * from final
