{{ config(materialized='table_macro', parameters=['as_of']) }}

with

capital_known as (

    select * from {{ ref('fct_capital_known').include(database=false) }}

)

select *
from capital_known
where {{ known_on('cast(as_of as date)') }}
order by symbol
