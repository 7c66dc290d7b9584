{% set balance_measures = ['diluted_shares', 'cash_usd', 'debt_usd', 'btc_held'] -%}

with

filed as (

    select * from {{ ref('int_edgar_capital_facts') }}

),

versions as (

    select * from {{ ref('int_capital_versions') }}

),

curated_facts as (

    select
        symbol,
        period_end_date,
        'shares_outstanding' as measure,
        cast(shares_outstanding as double) as amount,
        coalesce(shares_as_of_date, period_end_date) as amount_date,
        shares_known_date as known_date,
        known_date_is_estimated,
        case
            when believed_from_date is not null then greatest(believed_from_date, shares_known_date)
        end as believed_from_date,
        believed_to_date,
        shares_source_url as source_url,
        shares_source_tier as source_tier,
        cast(null as string) as concept,
        cast(null as string) as accession,
        false as is_partial,
        next_report_due_date,
        source_file,
        source_row
    from versions
    where shares_outstanding is not null

    {% for measure in balance_measures %}
        union all

        select
            symbol,
            period_end_date,
            '{{ measure }}' as measure,
            cast({{ measure }} as double) as amount,
            period_end_date as amount_date,
            known_date,
            known_date_is_estimated,
            believed_from_date,
            believed_to_date,
            source_url,
            source_tier,
            cast(null as string) as concept,
            cast(null as string) as accession,
            false as is_partial,
            next_report_due_date,
            source_file,
            source_row
        from versions
        where {{ measure }} is not null
    {% endfor %}

    union all

    -- that there is a report, whatever of it was seen
    select
        symbol,
        period_end_date,
        'report' as measure,
        cast(null as double) as amount,
        period_end_date as amount_date,
        known_date,
        known_date_is_estimated,
        believed_from_date,
        believed_to_date,
        source_url,
        source_tier,
        cast(null as string) as concept,
        cast(null as string) as accession,
        false as is_partial,
        next_report_due_date,
        source_file,
        source_row
    from versions

),

by_hand as (

    select distinct
        symbol,
        measure,
        amount_date
    from curated_facts
    where believed_to_date is null and measure <> 'report'

),

-- what a person took from a page stands against what was tagged, of the same figure for the same day
filed_facts as (

    select
        filed.symbol,
        filed.period_end_date,
        filed.measure,
        filed.amount,
        filed.period_end_date as amount_date,
        filed.known_date,
        false as known_date_is_estimated,
        filed.known_date as believed_from_date,
        cast(null as date) as believed_to_date,
        filed.source_url,
        1 as source_tier,
        filed.concept,
        filed.accession,
        filed.is_partial,
        filed.next_report_due_date,
        filed.source_file,
        filed.source_row
    from filed
    left join by_hand
        on
            filed.symbol = by_hand.symbol
            and replace(filed.measure, 'partial_', '') = by_hand.measure
            and filed.period_end_date = by_hand.amount_date
    where by_hand.symbol is null

),

facts as (

    select * from curated_facts

    union all

    select * from filed_facts

)

select * from facts
