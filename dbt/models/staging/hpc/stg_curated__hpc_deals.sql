with

source as (

    select * from {{ source('raw', 'curated__hpc_deals') }}

),

renamed as (

    select
        deal_id,
        announced_date,
        ticker as symbol,
        counterparty,
        end_user,
        deal_type,
        commitment,
        owner_share_pct,
        site,
        state_or_country,
        critical_it_mw,
        gross_mw,
        contract_value_usd,
        term_years,
        max_value_with_extensions_usd,
        backstop_party,
        backstop_usd,
        capex_per_mw_usd as capex_usd_per_critical_it_mw,
        warrant_shares,
        expected_start_date,
        status,
        amends_deal_id,
        ended_date,
        end_known_date,
        end_reason,
        superseded_by,
        end_source_url,
        end_notes,
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
