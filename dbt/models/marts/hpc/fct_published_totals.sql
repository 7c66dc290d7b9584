with

published as (

    select * from {{ ref('stg_curated__published_totals') }}

),

deals as (

    select * from {{ ref('fct_hpc_deals_history') }}
    where is_current and is_firm

),

-- the contracts of those companies that stood on the day of theirs, with all that is known of them
-- today: a publisher may count a term that only it knew
counted as (

    select
        published.source_row,
        count(deals.deal_id) as deals,
        sum(
            case
                when published.measure = 'critical_it_mw' and published.share_basis = 'owned'
                    then deals.owned_critical_it_mw
                when published.measure = 'critical_it_mw' then deals.critical_it_mw
                when published.share_basis = 'owned' then deals.owned_contract_value_usd
                else deals.contract_value_usd
            end
        ) as our_value
    from published
    left join deals
        on
            '; ' || published.tickers || '; ' like '%; ' || deals.symbol || '; %'
            and {{ holds_on('published.as_of_date', 'announced_date', 'end_counts_from_date', 'deals') }}
            and deals.announced_date
            >= coalesce(published.announced_from_date, deals.announced_date)
    group by published.source_row

),

final as (

    select
        published.as_of_date,
        published.publisher,
        published.tickers,
        published.announced_from_date,
        published.measure,
        published.share_basis,
        published.total_basis,
        published.published_value,
        counted.our_value,
        counted.deals,
        100.0 * (counted.our_value / published.published_value - 1) as difference_pct,
        published.tolerance_pct,
        coalesce(
            abs(100.0 * (counted.our_value / published.published_value - 1))
            <= published.tolerance_pct,
            false
        ) as is_reconciled,
        published.difference_reason,
        published.source_url
    from published
    inner join counted on published.source_row = counted.source_row

)

select * from final
