{{ config(materialized='table_macro', parameters=['as_of']) }}

with

capacity_known as (

    select * from {{ ref('fct_capacity_known').include(database=false) }}

)

select *
from capacity_known
where {{ known_on('cast(as_of as date)') }}
order by symbol
