{{ config(materialized='table_macro', parameters=['as_of']) }}

with

versions as (

    select * from {{ ref('fct_mw_assumptions_history').include(database=false) }}

),

final as (

    select
        versions.as_of_date,
        versions.source_firm,
        versions.business,
        versions.symbol,
        {{ in_force_on('cast(as_of as date)', 'versions.as_of_date') }} as is_in_force,
        versions.assumption_type,
        versions.value_basis,
        versions.mw_basis,
        versions.gross_per_critical_it_mw,
        versions.usd_per_mw_low,
        versions.usd_per_mw_high,
        versions.usd_per_mw_point,
        versions.discount_rate,
        versions.assumed_mw,
        versions.source_url,
        versions.source_tier,
        versions.notes
    from versions
    where {{ believed_on('cast(as_of as date)', 'versions') }}

)

select * from final
order by as_of_date desc, source_firm, business, symbol
