{{ config(materialized='table_macro', parameters=['symbol', 'as_of', 'usd_per_mw', 'mw']) }}

{#- a bare symbol, as_of, usd_per_mw or mw is the caller's argument: columns go with their table -#}

with

asked as (

    select
        upper(symbol) as asked_symbol,
        cast(as_of as date) as asked_date,
        cast(usd_per_mw as double) as asked_usd_per_mw,
        cast(mw as double) as asked_mw

),

company_positions as (

    select * from {{ ref('fct_company_positions').include(database=false) }}

),

grossed as (

    select
        positions.*,
        asked.asked_date,
        asked.asked_mw,
        asked.asked_usd_per_mw,
        asked.asked_mw * asked.asked_usd_per_mw as gross_value_usd,
        asked.asked_mw * asked.asked_usd_per_mw - positions.net_debt_usd + positions.btc_value_usd
            as equity_value_usd
    from company_positions as positions
    inner join asked
        on
            positions.symbol = asked.asked_symbol
            and {{ position_on('asked.asked_date', 'positions') }}

),

final as (

    select
        grossed.symbol,
        grossed.asked_date as as_of_date,
        grossed.asked_mw as mw,
        grossed.asked_usd_per_mw as usd_per_mw,
        grossed.gross_value_usd,
        grossed.net_debt_usd,
        grossed.btc_value_usd,
        grossed.equity_value_usd,
        grossed.shares_outstanding,
        grossed.shares_outstanding_as_of_date,
        grossed.gross_value_usd / nullif(grossed.shares_outstanding, 0)
            as gross_value_per_share_usd,
        grossed.equity_value_usd / nullif(grossed.shares_outstanding, 0) as value_per_share_usd,
        grossed.price_date,
        grossed.close,
        grossed.price_source,
        100.0
        * (grossed.equity_value_usd / nullif(grossed.shares_outstanding, 0) - grossed.close)
        / grossed.close as upside_pct,
        grossed.shares_coverage,
        grossed.shares_is_complete,
        grossed.net_debt_coverage,
        grossed.net_debt_is_complete,
        grossed.btc_coverage,
        grossed.btc_is_complete,
        grossed.shares_outstanding_source_url,
        grossed.debt_usd_source_url,
        grossed.cash_usd_source_url,
        grossed.btc_held_source_url
    from grossed

)

select * from final
