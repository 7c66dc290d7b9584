{% set balance_measures = ['diluted_shares', 'cash_usd', 'debt_usd', 'btc_held'] -%}

with

versions as (

    select * from {{ ref('int_capital_versions') }}

),

facts as (

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
        source_file,
        source_row
    from versions

)

select * from facts
