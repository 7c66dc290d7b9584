with

source as (

    select * from {{ source('raw', 'curated__capital_structure') }}

),

renamed as (

    select
        ticker as symbol,
        as_of_date as period_end_date,
        filed_date,
        filed_time,
        form,
        shares_outstanding,
        shares_as_of_date,
        diluted_shares,
        cash_usd,
        debt_usd,
        btc_held,
        source_url,
        source_url_shares,
        notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
