{% set planned_pct_of_power = pct_of_power('larger.planned_critical_it_mw', 'larger') -%}

{% set other_sites -%}
    'partial: stated by sites with ' || cast(round(sites_power_mw) as bigint) || ' of '
    || cast(round(total_power_mw) as bigint) || ' MW'
{%- endset -%}

with

sites as (

    select * from {{ ref('int_site_capacity_versions') }}

),

site_facts as (

    select * from {{ ref('int_site_facts') }}

),

deals as (

    select
        symbol,
        announced_date,
        amends_deal_id,
        critical_it_mw,
        gross_mw,
        contract_value_usd,
        owned_critical_it_mw,
        owned_gross_mw,
        owned_contract_value_usd,
        end_counts_from_date,
        end_reason,
        source_url,
        believed_from_date,
        believed_to_date as row_believed_to_date,
        -- a contract that has ended counts no more, while its row is still believed
        stood_to_date as believed_to_date
    from {{ ref('int_hpc_deal_versions') }}
    where is_firm

),

believed as (

    select
        symbol,
        believed_from_date,
        believed_to_date
    from sites
    union
    select
        symbol,
        believed_from_date,
        believed_to_date
    from deals

),

{{ known_period_ctes('believed') }},

-- sites that a sum over all of them has to have a figure of
site_counts as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        count(distinct sites.site) as sites
    from known_periods
    inner join sites
        on
            known_periods.symbol = sites.symbol
            and {{ believed_on('known_periods.known_from_date', 'sites') }}
    where not sites.is_company_total
    group by known_periods.symbol, known_periods.known_from_date

),

-- the last figure of every site, and of the company total, for each measure by itself
site_ranked as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        site_facts.is_company_total,
        site_facts.measure,
        site_facts.amount_mw,
        site_facts.reported_date,
        site_facts.source_url,
        row_number() over (
            partition by
                known_periods.symbol,
                known_periods.known_from_date,
                site_facts.site,
                site_facts.measure
            order by site_facts.reported_date desc
        ) as recency
    from known_periods
    inner join site_facts
        on
            known_periods.symbol = site_facts.symbol
            and {{ believed_on('known_periods.known_from_date', 'site_facts') }}

),

site_sums as (

    select
        symbol,
        known_from_date,
        max(case when is_company_total and measure = 'critical_it_mw_contracted' then amount_mw end)
            as total_contracted_mw,
        max(case when is_company_total and measure = 'critical_it_mw_contracted' then source_url end)
            as total_contracted_source_url,
        max(
            case
                when is_company_total and measure = 'critical_it_mw_contracted' then reported_date
            end
        ) as total_contracted_date,
        max(case when is_company_total and measure = 'critical_it_mw_planned' then amount_mw end)
            as total_planned_mw,
        max(case when is_company_total and measure = 'power_contracted_mw' then amount_mw end)
            as total_power_mw,
        max(case when is_company_total and measure = 'power_contracted_mw' then reported_date end)
            as total_power_date,
        max(case when is_company_total and measure = 'power_energized_mw' then amount_mw end)
            as total_energized_mw,
        {%- for measure, name in {
            'critical_it_mw_planned': 'planned', 'power_contracted_mw': 'power', 'power_energized_mw': 'energized'
        }.items() %}
            sum(case when not is_company_total and measure = '{{ measure }}' then amount_mw end)
                as sites_{{ name }}_mw,
            count(case when not is_company_total and measure = '{{ measure }}' then 1 end)
                as sites_with_{{ name }},
        {%- endfor %}
        {{ dbt.listagg('distinct source_url', "' '", 'order by source_url') }} as site_source_urls
    from site_ranked
    where recency = 1
    group by symbol, known_from_date

),

-- the last end of a contract that the company total may still have in it
ends as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        max(deals.end_counts_from_date) as last_end_date,
        -- what was sold took its power with it
        max(case when deals.end_reason = 'sold' then deals.end_counts_from_date end) as last_sale_date
    from known_periods
    inner join deals
        on
            known_periods.symbol = deals.symbol
            and {{ holds_on(
                'known_periods.known_from_date', 'believed_from_date', 'row_believed_to_date', 'deals'
            ) }}
            and known_periods.known_from_date >= deals.end_counts_from_date
            and deals.owned_critical_it_mw is not null
    group by known_periods.symbol, known_periods.known_from_date

),

deal_sums as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        count(*) as deals,
        count(*) - count(deals.contract_value_usd) as deals_without_value,
        -- a follow-on term adds value and years to MW that another row has
        count(case when deals.amends_deal_id is null and deals.critical_it_mw is null then 1 end)
            as deals_without_critical_it_mw,
        count(case when deals.amends_deal_id is null and deals.gross_mw is null then 1 end)
            as deals_without_gross_mw,
        max(
            case
                when deals.amends_deal_id is null and deals.critical_it_mw is null
                    then deals.announced_date
            end
        ) as last_incomplete_date,
        max(deals.announced_date) as last_deal_date,
        sum(deals.owned_critical_it_mw) as deals_critical_it_mw,
        sum(deals.owned_gross_mw) as deals_gross_mw,
        sum(deals.owned_contract_value_usd) as contracted_revenue_usd,
        -- a company total of that day or a later one has the contract in it
        sum(
            case
                when deals.announced_date > site_sums.total_contracted_date
                    then deals.owned_critical_it_mw
            end
        ) as critical_it_mw_after_total,
        {{ dbt.listagg('distinct deals.source_url', "' '", 'order by deals.source_url') }}
            as deal_source_urls
    from known_periods
    inner join deals
        on
            known_periods.symbol = deals.symbol
            and {{ believed_on('known_periods.known_from_date', 'deals') }}
    left join site_sums
        on
            known_periods.symbol = site_sums.symbol
            and known_periods.known_from_date = site_sums.known_from_date
    group by known_periods.symbol, known_periods.known_from_date

),

-- by themselves: Spark lists the distinct values of one expression in a sum and not of two
pages_after_total as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        {{ dbt.listagg('distinct deals.source_url', "' '", 'order by deals.source_url') }}
            as deal_source_urls_after_total
    from known_periods
    inner join site_sums
        on
            known_periods.symbol = site_sums.symbol
            and known_periods.known_from_date = site_sums.known_from_date
    inner join deals
        on
            known_periods.symbol = deals.symbol
            and {{ believed_on('known_periods.known_from_date', 'deals') }}
            and deals.announced_date > site_sums.total_contracted_date
    group by known_periods.symbol, known_periods.known_from_date

),

joined as (

    select
        known_periods.symbol,
        known_periods.known_from_date,
        known_periods.known_to_date,
        site_sums.total_contracted_date,
        -- a total of before a contract ended has that contract in it and says no more what stands
        case
            when
                ends.last_end_date is null or site_sums.total_contracted_date >= ends.last_end_date
                then
                    site_sums.total_contracted_mw
                    + coalesce(deal_sums.critical_it_mw_after_total, 0)
        end as total_contracted_mw,
        site_sums.total_contracted_source_url,
        site_sums.total_planned_mw,
        case
            when ends.last_sale_date is null or site_sums.total_power_date >= ends.last_sale_date
                then site_sums.total_power_mw
        end as total_power_mw,
        site_sums.total_energized_mw,
        site_sums.sites_planned_mw,
        site_sums.sites_power_mw,
        site_sums.sites_energized_mw,
        coalesce(site_counts.sites, 0) as sites,
        site_sums.sites_with_planned,
        site_sums.sites_with_power,
        site_sums.sites_with_energized,
        site_sums.site_source_urls,
        coalesce(deal_sums.deals, 0) as deals,
        coalesce(deal_sums.deals_without_value, 0) as deals_without_value,
        coalesce(deal_sums.deals_without_critical_it_mw, 0) as deals_without_critical_it_mw,
        deal_sums.deals_without_gross_mw,
        deal_sums.last_incomplete_date,
        deal_sums.last_deal_date,
        deal_sums.deals_critical_it_mw,
        deal_sums.deals_gross_mw,
        deal_sums.contracted_revenue_usd,
        deal_sums.deal_source_urls,
        pages_after_total.deal_source_urls_after_total
    from known_periods
    left join site_sums
        on
            known_periods.symbol = site_sums.symbol
            and known_periods.known_from_date = site_sums.known_from_date
    left join site_counts
        on
            known_periods.symbol = site_counts.symbol
            and known_periods.known_from_date = site_counts.known_from_date
    left join deal_sums
        on
            known_periods.symbol = deal_sums.symbol
            and known_periods.known_from_date = deal_sums.known_from_date
    left join pages_after_total
        on
            known_periods.symbol = pages_after_total.symbol
            and known_periods.known_from_date = pages_after_total.known_from_date
    left join ends
        on
            known_periods.symbol = ends.symbol
            and known_periods.known_from_date = ends.known_from_date

),

-- totals and sums are both lower bounds (a total may describe a part of the company, a sum only
-- what was seen), so the larger one is the fuller description; a total is never added to its sites
larger as (

    select
        *,
        greatest(total_contracted_mw, deals_critical_it_mw) as contracted_critical_it_mw,
        greatest(total_planned_mw, sites_planned_mw) as planned_critical_it_mw,
        greatest(total_power_mw, sites_power_mw) as gross_power_mw,
        -- sites that are not live yet say nothing of those that are: only a company total states a zero
        greatest(total_energized_mw, nullif(sites_energized_mw, 0)) as energized_gross_mw,
        coalesce(total_contracted_mw >= coalesce(deals_critical_it_mw, 0), false)
            as is_contracted_total,
        coalesce(total_planned_mw >= coalesce(sites_planned_mw, 0), false) as is_planned_total,
        coalesce(total_power_mw >= coalesce(sites_power_mw, 0), false) as is_power_total,
        coalesce(total_energized_mw >= coalesce(sites_energized_mw, 0), false)
            as is_energized_total,
        -- all sites state their power, and the company says that it has more: there are other sites
        sites_with_power = sites
        and total_power_mw > sites_power_mw * {{ var('site_tolerance') }} as sites_are_short
    from joined

),

-- what is missing of a figure, null where nothing is
gaps as (

    select
        *,
        case
            when deals = 0 and total_contracted_mw is null then 'no contract known'
            when last_incomplete_date is null then null
            when is_contracted_total and total_contracted_date >= last_incomplete_date then null
            when contracted_critical_it_mw is null
                then 'no contract states its critical IT MW'
            else 'partial: a contract without critical IT MW'
        end as contracted_critical_it_mw_gap,
        case
            when planned_critical_it_mw is null then 'not stated'
            -- no company plans less than it has leased: most of its sites do not state their plan
            when planned_critical_it_mw < contracted_critical_it_mw
                then 'partial: below the contracted MW'
            when is_planned_total then null
            when sites_with_planned < sites
                then 'partial: stated by ' || sites_with_planned || ' of ' || sites || ' sites'
            when sites_are_short then {{ other_sites }}
            when {{ is_fraction_of_company(planned_pct_of_power) }}
                then
                    'partial: a plan for '
                    || cast(round({{ planned_pct_of_power }}) as bigint)
                    || ' % of the power'
        end as planned_critical_it_mw_gap,
        case
            when gross_power_mw is null then 'not stated'
            when gross_power_mw < energized_gross_mw then 'partial: below the live MW'
            -- no company runs IT equipment on less than it has at the meter
            when gross_power_mw < contracted_critical_it_mw
                then 'partial: below the contracted critical IT MW'
            when gross_power_mw < planned_critical_it_mw
                then 'partial: below the planned critical IT MW'
            when not is_power_total and sites_with_power < sites
                then 'partial: stated by ' || sites_with_power || ' of ' || sites || ' sites'
            -- nobody said that there are no other sites
            when total_power_mw is null then 'partial: sum of the sites seen, no company total'
        end as gross_power_mw_gap,
        case
            when energized_gross_mw is null then 'not stated'
            when not is_energized_total and sites_with_energized < sites
                then 'partial: stated by ' || sites_with_energized || ' of ' || sites || ' sites'
            when not is_energized_total and sites_are_short then {{ other_sites }}
        end as energized_gross_mw_gap,
        case
            when deals = 0 then 'no contract known'
            when deals_without_value = 0 then null
            when deals_without_value = deals then 'no contract states its value'
            else 'partial: a contract without value'
        end as contracted_revenue_gap
    from larger

),

final as (

    select
        symbol,
        known_from_date,
        known_to_date,
        deals,
        deals_without_value,
        deals_without_critical_it_mw,
        last_deal_date,
        contracted_critical_it_mw,
        coalesce(
            contracted_critical_it_mw_gap,
            case
                when is_contracted_total then 'complete: company total and later contracts'
                else 'complete: sum of contracts'
            end
        ) as contracted_critical_it_mw_coverage,
        contracted_critical_it_mw_gap is null as contracted_critical_it_mw_is_complete,
        deals_critical_it_mw as contracts_critical_it_mw,
        total_contracted_mw as company_total_critical_it_mw,
        case
            when total_contracted_mw > deals_critical_it_mw and deals_without_critical_it_mw = 0
                then
                    'company total ' || cast(round(total_contracted_mw) as bigint) || ' MW, contracts '
                    || cast(round(deals_critical_it_mw) as bigint) || ' MW: the contracts seen are short of '
                    || cast(round(total_contracted_mw - deals_critical_it_mw) as bigint) || ' MW'
            when total_contracted_mw < deals_critical_it_mw
                then
                    'contracts ' || cast(round(deals_critical_it_mw) as bigint) || ' MW, company total '
                    || cast(round(total_contracted_mw) as bigint) || ' MW: the company counts '
                    || cast(round(deals_critical_it_mw - total_contracted_mw) as bigint) || ' MW less'
        end as contracted_critical_it_mw_difference,
        case when deals_without_gross_mw = 0 then deals_gross_mw end as contracted_gross_mw,
        planned_critical_it_mw,
        coalesce(
            planned_critical_it_mw_gap,
            case
                when is_planned_total then 'stated: company total'
                else 'stated: sum of the sites that state it'
            end
        ) as planned_critical_it_mw_coverage,
        planned_critical_it_mw_gap is null as planned_critical_it_mw_is_complete,
        gross_power_mw,
        coalesce(
            gross_power_mw_gap,
            case
                when is_power_total then 'stated: company total'
                else 'stated: sum of the sites that state it'
            end
        ) as gross_power_mw_coverage,
        gross_power_mw_gap is null as gross_power_mw_is_complete,
        energized_gross_mw,
        coalesce(
            energized_gross_mw_gap,
            case
                when is_energized_total then 'stated: company total'
                else 'stated: sum of the sites that state it'
            end
        ) as energized_gross_mw_coverage,
        energized_gross_mw_gap is null as energized_gross_mw_is_complete,
        contracted_revenue_usd,
        coalesce(contracted_revenue_gap, 'complete') as contracted_revenue_coverage,
        contracted_revenue_gap is null as contracted_revenue_is_complete,
        -- the pages that make the figure: of the total and of what came after it, or of the contracts
        case
            when contracted_critical_it_mw is null then null
            when is_contracted_total
                then concat_ws(' ', total_contracted_source_url, deal_source_urls_after_total)
            else deal_source_urls
        end as contracted_critical_it_mw_source_urls,
        site_source_urls,
        deal_source_urls
    from gaps

)

select * from final
