{{ config(materialized='table_macro', parameters=['symbol', 'as_of', 'usd_per_mw', 'mw']) }}

{#- a bare symbol, as_of, usd_per_mw or mw is the caller's argument: columns go with their table -#}

with

company_positions as (

    select * from {{ ref('fct_company_positions').include(database=false) }}

),

-- the worksheet with nothing assumed but the MW and their price
worksheet as (

    select *
    from {{ ref('value_worksheet').include(database=false) }}(
        symbol, as_of, usd_per_mw, mw, null, null, null, null
    )

),

final as (

    select
        worksheet.symbol,
        worksheet.as_of_date,
        worksheet.mw,
        worksheet.usd_per_mw,
        worksheet.mw_value_usd as gross_value_usd,
        worksheet.net_debt_usd,
        worksheet.btc_value_usd,
        worksheet.equity_value_usd,
        worksheet.shares_outstanding,
        positions.shares_outstanding_as_of_date,
        worksheet.mw_value_per_share_usd as gross_value_per_share_usd,
        worksheet.value_per_share_usd,
        worksheet.price_date,
        worksheet.close,
        worksheet.price_source,
        worksheet.upside_pct,
        worksheet.shares_coverage,
        worksheet.shares_is_complete,
        worksheet.net_debt_coverage,
        worksheet.net_debt_is_complete,
        worksheet.btc_coverage,
        worksheet.btc_is_complete,
        positions.shares_outstanding_source_url,
        positions.debt_usd_source_url,
        positions.cash_usd_source_url,
        positions.btc_held_source_url
    from worksheet
    inner join company_positions as positions
        on
            worksheet.symbol = positions.symbol
            and {{ position_on('worksheet.as_of_date', 'positions') }}

)

select * from final
