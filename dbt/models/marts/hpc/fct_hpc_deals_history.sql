with

versions as (

    select * from {{ ref('int_hpc_deal_versions') }}

),

final as (

    select
        deal_id,
        announced_date,
        known_date,
        believed_from_date,
        believed_to_date,
        terms_public_date,
        terms_source_url,
        is_current,
        symbol,
        counterparty,
        end_user,
        deal_type,
        commitment,
        is_firm,
        is_intention,
        is_follow_on,
        is_comparable_lease,
        site,
        state_or_country,
        critical_it_mw,
        gross_mw,
        contract_value_usd,
        term_years,
        max_value_with_extensions_usd,
        owner_share_pct,
        owned_critical_it_mw,
        owned_gross_mw,
        owned_contract_value_usd,
        usd_per_critical_it_mw,
        usd_per_critical_it_mw_year,
        cloud_usd_per_critical_it_mw,
        is_outlier,
        rent_coverage,
        rent_is_complete,
        backstop_party,
        backstop_usd,
        capex_usd_per_critical_it_mw,
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
        end_counts_from_date,
        stood_to_date,
        known_date_coverage,
        known_date_is_complete,
        source_url,
        source_tier,
        source_name,
        notes,
        source_file,
        source_row
    from versions

)

select * from final
