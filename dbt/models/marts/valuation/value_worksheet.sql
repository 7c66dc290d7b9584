{{ config(
    materialized='table_macro',
    parameters=[
        'symbol', 'as_of', 'usd_per_mw', 'mw', 'net_debt_usd', 'btc_held', 'btc_close', 'dilution_pct',
    ],
) }}

{#- a bare name of a parameter is the caller's argument: columns go with their table -#}

with

asked as (

    select
        upper(symbol) as asked_symbol,
        cast(as_of as date) as asked_date,
        cast(usd_per_mw as double) as asked_usd_per_mw,
        cast(mw as double) as asked_mw,
        cast(net_debt_usd as double) as asked_net_debt_usd,
        cast(btc_held as double) as asked_btc_held,
        cast(btc_close as double) as asked_btc_close,
        cast(dilution_pct as double) as asked_dilution_pct

),

company_positions as (

    select * from {{ ref('fct_company_positions').include(database=false) }}

),

assumed as (

    select
        positions.symbol,
        asked.asked_date,
        positions.price_date,
        positions.close,
        positions.price_source,
        positions.shares_outstanding,
        positions.shares_coverage,
        positions.shares_is_complete,
        positions.net_debt_coverage,
        positions.net_debt_is_complete,
        positions.btc_coverage,
        positions.btc_is_complete,
        asked.asked_mw,
        {{ pct_of_power('asked.asked_mw', 'positions') }} as mw_pct_of_power,
        asked.asked_usd_per_mw,
        coalesce(asked.asked_net_debt_usd, positions.net_debt_usd) as assumed_net_debt_usd,
        coalesce(asked.asked_btc_held, positions.btc_held) as assumed_btc_held,
        coalesce(asked.asked_btc_close, positions.btc_close) as assumed_btc_close,
        coalesce(asked.asked_dilution_pct, 0) as assumed_dilution_pct
    from company_positions as positions
    inner join asked
        on
            positions.symbol = asked.asked_symbol
            and {{ position_on('asked.asked_date', 'positions') }}

),

parts as (

    select
        assumed.*,
        assumed.asked_mw * assumed.asked_usd_per_mw as mw_value_usd,
        {{ btc_value('assumed.assumed_btc_held', 'assumed.assumed_btc_close') }} as assumed_btc_value_usd,
        nullif(assumed.shares_outstanding, 0) * (1 + assumed.assumed_dilution_pct / 100)
            as assumed_shares
    from assumed

),

summed as (

    select
        parts.*,
        parts.mw_value_usd - parts.assumed_net_debt_usd + parts.assumed_btc_value_usd
            as equity_value_usd
    from parts

)

select
    summed.symbol,
    summed.asked_date as as_of_date,
    summed.asked_mw as mw,
    summed.asked_usd_per_mw as usd_per_mw,
    summed.mw_pct_of_power,
    {{ is_fraction_of_company('summed.mw_pct_of_power') }} as is_fraction_of_company,
    summed.assumed_net_debt_usd as net_debt_usd,
    summed.assumed_btc_held as btc_held,
    summed.assumed_btc_close as btc_close,
    summed.assumed_btc_value_usd as btc_value_usd,
    summed.shares_outstanding,
    summed.assumed_dilution_pct as dilution_pct,
    summed.assumed_shares as shares_after_dilution,
    summed.mw_value_usd,
    summed.equity_value_usd,
    summed.mw_value_usd / summed.assumed_shares as mw_value_per_share_usd,
    -summed.assumed_net_debt_usd / summed.assumed_shares as less_net_debt_per_share_usd,
    summed.assumed_btc_value_usd / summed.assumed_shares as btc_value_per_share_usd,
    summed.equity_value_usd / summed.assumed_shares as value_per_share_usd,
    summed.price_date,
    summed.close,
    summed.price_source,
    100.0 * (summed.equity_value_usd / summed.assumed_shares - summed.close) / summed.close as upside_pct,
    summed.shares_coverage,
    summed.shares_is_complete,
    summed.net_debt_coverage,
    summed.net_debt_is_complete,
    summed.btc_coverage,
    summed.btc_is_complete
from summed
