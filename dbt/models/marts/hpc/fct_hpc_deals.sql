with

deals as (

    select * from {{ ref('fct_hpc_deals_history') }}
    where is_current

),

final as (

    select
        deal_id,
        announced_date,
        symbol,
        counterparty,
        end_user,
        deal_type,
        commitment,
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
        is_firm,
        is_intention,
        is_follow_on,
        ended_date is null as is_standing,
        is_comparable_lease,
        is_outlier,
        rent_coverage,
        rent_is_complete,
        case
            when announced_date is not null
                then sum(
                    -- one without its day is in no sum, wherever an engine sorts it
                    case
                        when is_firm and ended_date is null and announced_date is not null
                            then contract_value_usd
                    end
                ) over (
                    partition by symbol
                    order by announced_date, deal_id
                    rows between unbounded preceding and current row
                )
        end as cumulative_contract_value_usd,
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
        known_date,
        terms_public_date,
        terms_source_url,
        known_date_coverage,
        known_date_is_complete,
        source_url,
        source_tier,
        source_name,
        notes
    from deals

)

select * from final
