with

source as (

    select * from {{ source('raw', 'curated__hpc_deals_as_announced') }}

),

renamed as (

    select
        deal_id,
        until_date,
        ticker as symbol,
        -- a column is called here as in stg_curated__hpc_deals
        replace(not_public, 'capex_per_mw_usd', 'capex_usd_per_critical_it_mw') as not_public,
        counterparty,
        until_source_url,
        source_url,
        source_name,
        notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from source

)

select * from renamed
