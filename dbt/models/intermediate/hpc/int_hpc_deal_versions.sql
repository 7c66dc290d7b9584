{% set comparable_types = ['colocation', 'lease', 'joint_venture'] -%}

with

deal_rows as (

    select * from {{ ref('stg_curated__hpc_deals') }}

),

-- contracts that are in the file no more
withdrawn as (

    select
        deal_id,
        min(symbol) as symbol,
        min(announced_date) as announced_date,
        max(valid_to) as withdrawn_at
    from deal_rows
    group by deal_id
    having count(*) = count(valid_to)

),

-- one that came as another of its company and day went is that other under a new key: no fact of an
-- earlier day
renamed as (

    select distinct
        deal_rows.deal_id,
        deal_rows.valid_from
    from deal_rows
    inner join withdrawn
        on
            deal_rows.symbol = withdrawn.symbol
            and deal_rows.announced_date = withdrawn.announced_date
            and deal_rows.valid_from = withdrawn.withdrawn_at
            and deal_rows.deal_id <> withdrawn.deal_id

),

dated as (

    select
        *,
        {{ belief_dates(['deal_id'], 'announced_date') }}
    from deal_rows

),

loaded as (

    select
        {{ all_but('dated', ['believed_from_date']) }},
        case
            when renamed.deal_id is null then dated.believed_from_date
            else greatest(dated.believed_from_date, cast(dated.valid_from as date))
        end as believed_from_date
    from dated
    left join renamed
        on dated.deal_id = renamed.deal_id and dated.valid_from = renamed.valid_from

),

-- when a term became public is a fact with a day of its own: it counts also where it was entered later,
-- and for a contract that is in the file no more as long as it was there
as_announced as (

    select as_told.*
    from {{ ref('stg_curated__hpc_deals_as_announced') }} as as_told
    left join withdrawn on as_told.deal_id = withdrawn.deal_id
    where as_told.valid_to is null or as_told.valid_to >= withdrawn.withdrawn_at

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

-- a version begins anew on each day on which more of its contract became public
beginnings as (

    select
        deal_id,
        valid_from,
        believed_from_date
    from loaded

    union

    select
        loaded.deal_id,
        loaded.valid_from,
        as_announced.until_date as believed_from_date
    from loaded
    inner join as_announced
        on
            loaded.deal_id = as_announced.deal_id
            and loaded.believed_from_date < as_announced.until_date
            and (loaded.believed_to_date is null or loaded.believed_to_date > as_announced.until_date)

),

stretches as (

    select
        *,
        lead(believed_from_date) over (
            partition by deal_id, valid_from order by believed_from_date
        ) as more_public_date
    from beginnings

),

-- what was public in each stretch: what the row of the next day on which more was does not name
public_then as (

    select
        stretches.deal_id,
        stretches.valid_from,
        stretches.believed_from_date,
        stretches.more_public_date,
        min(
            case when as_announced.until_date > stretches.believed_from_date then as_announced.until_date end
        ) as until_date,
        max(
            case when as_announced.until_date <= stretches.believed_from_date then as_announced.until_date end
        ) as terms_public_date
    from stretches
    left join as_announced on stretches.deal_id = as_announced.deal_id
    group by
        stretches.deal_id, stretches.valid_from, stretches.believed_from_date, stretches.more_public_date

),

deals as (

    select
        loaded.deal_id,
        loaded.announced_date,
        loaded.symbol,
        coalesce(as_announced.counterparty, loaded.counterparty) as counterparty,
        loaded.deal_type,
        loaded.commitment,
        loaded.owner_share_pct,
        {%- for column in later_terms() %}
            case
                when {{ is_named_in('as_announced.not_public', column) }} then null
                else loaded.{{ column }}
            end as {{ column }},
        {%- endfor %}
        loaded.status,
        loaded.amends_deal_id,
        loaded.ended_date,
        loaded.end_known_date,
        loaded.end_reason,
        loaded.superseded_by,
        loaded.end_source_url,
        loaded.end_notes,
        -- the page and the words of that time: those of the whole contract may tell what came later
        case when as_announced.deal_id is null then loaded.source_url else as_announced.source_url end
            as source_url,
        case when as_announced.deal_id is null then loaded.source_name else as_announced.source_name end
            as source_name,
        case when as_announced.deal_id is null then loaded.notes else as_announced.notes end as notes,
        loaded.source_file,
        loaded.source_row,
        loaded.valid_from,
        loaded.valid_to,
        public_then.believed_from_date,
        coalesce(public_then.more_public_date, loaded.believed_to_date) as believed_to_date,
        greatest(public_then.terms_public_date, loaded.announced_date) as terms_public_date,
        told_more.until_source_url as terms_source_url,
        loaded.valid_to is null and public_then.more_public_date is null as is_current
    from public_then
    inner join loaded
        on
            public_then.deal_id = loaded.deal_id
            and public_then.valid_from = loaded.valid_from
    left join as_announced
        on
            public_then.deal_id = as_announced.deal_id
            and public_then.until_date = as_announced.until_date
    left join as_announced as told_more
        on
            public_then.deal_id = told_more.deal_id
            and public_then.terms_public_date = told_more.until_date

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
        deals.announced_date is not null as known_date_is_complete
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
