{% set comparable_types = ['colocation', 'lease', 'joint_venture'] -%}

with

deals as (

    select * from {{ ref('stg_curated__hpc_deals') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('deals') }},

versions as (

    select
        deals.*,
        url_tiers.tier as source_tier,
        deals.announced_date as known_date,
        case
            when deals.announced_date is null
                then 'announcement day not known: in no as-of answer'
        end as known_date_coverage,
        deals.announced_date is not null as known_date_is_complete,
        deals.valid_to is null as is_current,
        {{ belief_dates(['deals.deal_id'], 'deals.announced_date') }}
    from deals
    left join url_tiers on deals.source_url = url_tiers.address

),

classified as (

    select
        *,
        commitment = 'firm' as is_firm,
        commitment in ('letter_of_intent', 'option') as is_intention,
        amends_deal_id is not null as is_follow_on,
        -- known to have ended on the later of the day itself and the day it became public; an end is a
        -- fact with a day of its own, so it counts from then even where it was entered later
        {{ ignoring_nulls('first_value', 'greatest(ended_date, end_known_date)') }} over (
            partition by deal_id
            order by valid_from
            rows between current row and unbounded following
        ) as end_counts_from_date,
        -- a cloud price includes the GPUs, and a framework has no tenant: neither is a rent
        commitment in ('firm', 'conditional')
        and deal_type in ('{{ comparable_types | join("', '") }}') as is_comparable_lease,  -- noqa: LT05
        coalesce(owner_share_pct, 100.0) / 100.0 as owner_share
    from versions

),

measured as (

    select
        *,
        -- the last day excluded on which the contract was believed to stand
        case
            when end_counts_from_date is null then believed_to_date
            when believed_to_date is null then greatest(end_counts_from_date, believed_from_date)
            else least(greatest(end_counts_from_date, believed_from_date), believed_to_date)
        end as stood_to_date,
        contract_value_usd * owner_share as owned_contract_value_usd,
        critical_it_mw * owner_share as owned_critical_it_mw,
        gross_mw * owner_share as owned_gross_mw,
        case
            when is_comparable_lease then contract_value_usd / nullif(critical_it_mw, 0)
        end as usd_per_critical_it_mw,
        case
            when is_comparable_lease
                then contract_value_usd / nullif(critical_it_mw, 0) / nullif(term_years, 0)
        end as usd_per_critical_it_mw_year,
        case
            when deal_type = 'cloud' then contract_value_usd / nullif(critical_it_mw, 0)
        end as cloud_usd_per_critical_it_mw
    from classified

),

flagged as (

    select
        *,
        case
            when not is_comparable_lease then 'not a rent: ' || case
                when deal_type = 'cloud' then 'cloud contract with GPUs' else 'no tenant contract'
            end
            when is_follow_on then 'a follow-on term: its MW are those of the contract it amends'
            when contract_value_usd is null and critical_it_mw is null
                then 'contract value and critical IT MW not seen'
            when contract_value_usd is null then 'contract value not seen'
            when critical_it_mw is null then 'critical IT MW not seen'
            else 'complete'
        end as rent_coverage,
        is_comparable_lease
        and contract_value_usd is not null
        and critical_it_mw is not null as rent_is_complete,
        usd_per_critical_it_mw_year not between {{ var('usual_rent_low_usd_per_mw_year') }}
        and {{ var('usual_rent_high_usd_per_mw_year') }}
            as is_outlier
    from measured

)

select * from flagged
