{{ config(materialized='table_macro', parameters=['as_of']) }}

with

known as (

    select deals.*
    from {{ ref('deals_asof').include(database=false) }}(as_of) as deals
    where deals.is_intention

),

final as (

    select
        known.deal_id,
        known.announced_date,
        known.symbol,
        known.counterparty,
        known.deal_type,
        known.commitment,
        known.site,
        known.critical_it_mw,
        known.gross_mw,
        known.contract_value_usd,
        known.term_years,
        known.source_url,
        known.source_tier,
        known.notes
    from known

)

select * from final
order by announced_date, deal_id
