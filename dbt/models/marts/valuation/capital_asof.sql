{{ config(materialized='table_macro', parameters=['as_of']) }}

with

capital_known as (

    select * from {{ ref('fct_capital_known').include(database=false) }}

)

-- not until when: that was not known then
select
    capital_known.symbol,
    capital_known.known_from_date,
    capital_known.shares_outstanding,
    capital_known.shares_outstanding_as_of_date,
    capital_known.shares_outstanding_known_date,
    capital_known.shares_outstanding_source_url,
    capital_known.diluted_shares,
    capital_known.diluted_shares_as_of_date,
    capital_known.diluted_shares_known_date,
    capital_known.diluted_shares_source_url,
    capital_known.cash_usd,
    capital_known.cash_usd_as_of_date,
    capital_known.cash_usd_known_date,
    capital_known.cash_usd_source_url,
    capital_known.debt_usd,
    capital_known.debt_usd_as_of_date,
    capital_known.debt_usd_known_date,
    capital_known.debt_usd_source_url,
    capital_known.btc_held,
    capital_known.btc_held_as_of_date,
    capital_known.btc_held_known_date,
    capital_known.btc_held_source_url,
    capital_known.net_debt_usd,
    capital_known.net_debt_coverage,
    capital_known.net_debt_is_complete,
    capital_known.shares_coverage,
    capital_known.shares_is_complete,
    capital_known.btc_coverage,
    capital_known.btc_is_complete,
    capital_known.last_report_period_end_date,
    capital_known.next_report_due_date,
    capital_known.partial_debt_usd,
    capital_known.partial_debt_usd_as_of_date,
    capital_known.partial_debt_usd_source_url,
    capital_known.shares_outstanding_filing,
    capital_known.cash_usd_filing,
    capital_known.debt_usd_filing,
    capital_known.known_date_is_estimated
from capital_known
where {{ known_on('cast(as_of as date)', 'capital_known') }}
order by capital_known.symbol
