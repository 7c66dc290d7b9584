with

companies as (

    select symbol from {{ ref('stg_curated__companies') }}

),

peers as (

    select symbol from {{ ref('stg_curated__peers') }}

),

symbols as (

    select symbol from companies
    union
    select symbol from peers

)

select * from symbols
