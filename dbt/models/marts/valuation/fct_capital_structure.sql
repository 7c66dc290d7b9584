with

versions as (

    select * from {{ ref('int_capital_versions') }}

),

final as (

    select
        symbol,
        period_end_date,
        known_date,
        known_date_is_estimated,
        filed_date,
        form,
        shares_outstanding,
        shares_as_of_date,
        shares_known_date,
        diluted_shares,
        cash_usd,
        debt_usd,
        debt_usd - cash_usd as net_debt_usd,
        btc_held,
        coalesce(shares_outstanding, diluted_shares, cash_usd, debt_usd, btc_held) is not null
            as has_figures,
        source_url,
        source_tier,
        shares_source_url,
        shares_source_tier,
        case when known_date_is_estimated then deadline_source_url end as deadline_source_url,
        notes,
        source_file,
        source_row
    from versions
    where is_current

)

select * from final
