with

curated as (

    select * from {{ ref('stg_curated__capital_structure') }}
    where valid_to is null

),

curated_amounts as (

    select
        symbol,
        period_end_date,
        'shares_outstanding' as measure,
        coalesce(shares_as_of_date, period_end_date) as amount_date,
        cast(shares_outstanding as double) as curated_amount,
        coalesce(source_url_shares, source_url) as curated_source_url
    from curated
    where shares_outstanding is not null

    union all

    select
        symbol,
        period_end_date,
        'cash_usd' as measure,
        period_end_date as amount_date,
        cash_usd as curated_amount,
        source_url as curated_source_url
    from curated
    where cash_usd is not null

),

-- a later filing may restate an amount: the last word is compared
last_filed as (

    select * from {{ ref('stg_edgar__capital_facts') }}
    qualify row_number() over (
        partition by symbol, measure, period_end_date order by filed_date desc, accession desc, concept
    ) = 1

),

conflicts as (

    select
        curated_amounts.symbol,
        curated_amounts.period_end_date,
        curated_amounts.measure,
        curated_amounts.amount_date,
        curated_amounts.curated_amount,
        last_filed.amount as edgar_amount,
        last_filed.amount / nullif(curated_amounts.curated_amount, 0) - 1 as edgar_over_curated,
        last_filed.concept,
        last_filed.form,
        last_filed.filed_date,
        last_filed.source_url as edgar_source_url,
        curated_amounts.curated_source_url
    from curated_amounts
    inner join last_filed
        on
            curated_amounts.symbol = last_filed.symbol
            and curated_amounts.measure = last_filed.measure
            and curated_amounts.amount_date = last_filed.period_end_date
    where
        abs(last_filed.amount - curated_amounts.curated_amount)
        > {{ var('capital_conflict_tolerance') }} * abs(curated_amounts.curated_amount)

)

select * from conflicts
