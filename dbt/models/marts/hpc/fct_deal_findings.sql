with recursive

deals as (

    select
        *,
        coalesce(announced_date, expected_start_date, cast(valid_from as date)) as found_date,
        coalesce(critical_it_mw, gross_mw) as power_mw
    from {{ ref('stg_curated__hpc_deals') }}
    -- what has ended or was only spoken of takes no power, a follow-on term takes that of another row
    where
        valid_to is null
        and ended_date is null
        and amends_deal_id is null
        and commitment not in ('letter_of_intent', 'option')

),

sites as (

    select * from {{ ref('stg_curated__sites_capacity') }}
    where valid_to is null

),

companies as (

    select
        symbol,
        lower(company_name) as name
    from {{ ref('stg_curated__companies') }}

),

priced as (

    select
        *,
        contract_value_usd / power_mw as usd_per_mw,
        case
            when deal_type <> 'cloud' then contract_value_usd / power_mw / term_years
        end as rent_usd_per_mw_year,
        case
            when deal_type = 'cloud' then contract_value_usd / power_mw / term_years
        end as cloud_usd_per_mw_year,
        max_value_with_extensions_usd / contract_value_usd as extended_over_base,
        backstop_usd / contract_value_usd as backstop_over_value,
        gross_mw / critical_it_mw as gross_over_critical_it,
        {{ dbt.datediff('announced_date', 'expected_start_date', 'day') }} / 365.25e0 as years_to_start
    from deals

),

all_deals as (

    select
        *,
        coalesce(announced_date, expected_start_date, cast(valid_from as date)) as found_date
    from {{ ref('stg_curated__hpc_deals') }}
    where valid_to is null

),

named_deals as (

    select
        symbol,
        deal_id,
        found_date,
        {{ a_row_for_each_part("concat_ws('; ', amends_deal_id, superseded_by)", '; ') }} as named_deal_id
    from all_deals
    where coalesce(amends_deal_id, superseded_by) is not null

),

unknown_names as (

    select named_deals.*
    from named_deals
    left join all_deals
        on named_deals.named_deal_id = all_deals.deal_id and named_deals.symbol = all_deals.symbol
    where all_deals.deal_id is null

),

-- what a contract leads to, by one name or several; no way goes through a contract twice
led_to as (

    select
        symbol,
        deal_id,
        found_date,
        named_deal_id,
        '; ' || named_deal_id || ';' as way
    from named_deals

    union all

    select
        led_to.symbol,
        led_to.deal_id,
        led_to.found_date,
        named_deals.named_deal_id,
        led_to.way || ' ' || named_deals.named_deal_id || ';' as way
    from led_to
    inner join named_deals on led_to.named_deal_id = named_deals.deal_id
    where not contains(led_to.way, '; ' || named_deals.named_deal_id || ';')

),

circles as (

    select distinct
        symbol,
        deal_id,
        found_date
    from led_to
    where deal_id = named_deal_id

),

amended_names as (

    select
        *,
        {{ a_row_for_each_part('amends_deal_id', '; ') }} as amended_deal_id
    from all_deals
    where amends_deal_id is not null

),

too_early as (

    select
        amended_names.symbol,
        amended_names.deal_id,
        amended_names.found_date,
        min(amended.deal_id) as amended_deal_id
    from amended_names
    inner join all_deals as amended on amended_names.amended_deal_id = amended.deal_id
    where
        amended_names.announced_date < amended.announced_date
        or amended_names.expected_start_date < amended.expected_start_date
    group by amended_names.symbol, amended_names.deal_id, amended_names.found_date

),

of_intentions as (

    select distinct
        amended_names.symbol,
        amended_names.deal_id,
        amended_names.found_date
    from amended_names
    inner join all_deals as amended on amended_names.amended_deal_id = amended.deal_id
    where
        amended_names.commitment not in ('letter_of_intent', 'option')
        and amended.commitment in ('letter_of_intent', 'option')

),

-- who the parties are, as the row names them
parties as (

    select
        all_deals.symbol,
        all_deals.deal_id,
        all_deals.found_date,
        all_deals.counterparty,
        all_deals.backstop_party,
        key_owners.symbol as key_symbol,
        length(all_deals.counterparty) >= {{ var('name_min_letters') }}
        and companies.name like lower(all_deals.counterparty) || '%' as is_own_tenant,
        lower(all_deals.backstop_party) = lower(all_deals.counterparty) as is_own_guarantor
    from all_deals
    inner join companies on all_deals.symbol = companies.symbol
    left join companies as key_owners
        on
            all_deals.deal_id like lower(key_owners.symbol) || '-%'
            and all_deals.symbol <> key_owners.symbol
            and not all_deals.deal_id like lower(all_deals.symbol) || '-%'

),

-- the same day, tenant, MW and value under two keys
twins as (

    select
        *,
        count(*) over (
            partition by
                symbol, announced_date, lower(counterparty), critical_it_mw, gross_mw, contract_value_usd
        ) as times
    from deals
    where announced_date is not null and coalesce(critical_it_mw, gross_mw, contract_value_usd) is not null

),

-- rows that say what was not public of a contract before some day
held_back as (

    select
        as_announced.symbol,
        as_announced.deal_id,
        as_announced.until_date as found_date,
        as_announced.until_date,
        all_deals.deal_id is null as is_of_no_deal,
        all_deals.announced_date,
        as_announced.counterparty is not null
        {%- for column in later_terms() %}
            or (
                {{ is_named_in('as_announced.not_public', column) }}
                and all_deals.{{ column }} is not null
            )
        {%- endfor %}
            as hides_something
    from {{ ref('stg_curated__hpc_deals_as_announced') }} as as_announced
    left join all_deals
        on as_announced.deal_id = all_deals.deal_id and as_announced.symbol = all_deals.symbol
    where as_announced.valid_to is null

),

spellings as (

    select
        symbol,
        min(site) as site,
        max(site) as other_site,
        max(reported_date) as found_date
    from sites
    group by symbol, lower(replace(replace(site, ' ', ''), '-', ''))

),

ends as (

    select
        *,
        {{ dbt.datediff('expected_start_date', 'ended_date', 'day') }} / 365.25e0 - term_years
            as years_past_term,
        {{ dbt.datediff('ended_date', 'end_known_date', 'day') }} / 365.25e0 as years_to_known
    from all_deals
    where ended_date is not null

),

site_limits as (

    select
        symbol,
        site,
        max(greatest(
            coalesce(power_contracted_mw, 0), coalesce(critical_it_mw_planned, 0),
            coalesce(critical_it_mw_contracted, 0)
        )) as site_mw
    from sites
    group by symbol, site

),

company_limits as (

    select
        symbol,
        max(site_mw) as largest_mw
    from site_limits
    where site_mw > 0
    group by symbol

),

-- all contracts at a site share its power
at_site as (

    select
        deals.symbol,
        deals.site,
        max(deals.found_date) as found_date,
        sum(deals.power_mw) as deals_mw,
        max(site_limits.site_mw) as site_mw
    from deals
    inner join site_limits
        on deals.symbol = site_limits.symbol and deals.site = site_limits.site
    where site_limits.site_mw > 0
    group by deals.symbol, deals.site

),

at_company as (

    select
        deals.symbol,
        deals.deal_id,
        deals.found_date,
        deals.power_mw,
        company_limits.largest_mw
    from deals
    inner join company_limits on deals.symbol = company_limits.symbol

),

reports as (

    select
        *,
        reported_date as found_date,
        nullif(greatest(
            coalesce(power_contracted_mw, 0), coalesce(power_energized_mw, 0),
            coalesce(critical_it_mw_planned, 0)
        ), 0) as stated_mw,
        power_energized_mw / nullif(lag(power_energized_mw) over (
            partition by symbol, site order by reported_date
        ), 0) as live_over_report_before,
        power_contracted_mw / lag(power_contracted_mw) over (
            partition by symbol, site order by reported_date
        ) as power_over_report_before
    from sites
    where power_contracted_mw > 0 or power_contracted_mw is null

),

first_powers as (

    select
        *,
        reported_date as found_date,
        {{ dbt.datediff('reported_date', 'energization_date', 'day') }} / 365.25e0 as years_to_power
    from sites
    where energization_date is not null

),

-- the last page on each site, and the newest page on any: by then its first power may be over
last_reports as (

    select
        *,
        {{ dbt.datediff('energization_date', 'newest_date', 'day') }} / 365.25e0 as years_since_power
    from (
        select
            *,
            max(reported_date) over () as newest_date,
            row_number() over (partition by symbol, site order by reported_date desc) as recency
        from sites
    ) as reported
    where recency = 1

),

-- what each company said last of its share of a site; who says nothing has all of it
owners as (

    select
        symbol,
        site,
        reported_date as found_date,
        owner_share_pct,
        sum(coalesce(owner_share_pct, 100)) over same_site as owners_pct,
        count(owner_share_pct) over same_site as stated_shares
    from (
        select
            *,
            row_number() over (partition by symbol, site order by reported_date desc) as recency
        from sites
        where not is_company_total
    ) as reported
    where recency = 1
    window same_site as (partition by site, state_or_country)

),

single_sites as (

    select * from reports
    where not is_company_total

),

totals as (

    select * from reports
    where is_company_total

),

-- the largest that a company says of itself, and of one of its sites
sizes as (

    select
        symbol,
        max(reported_date) as found_date,
        max(case when is_company_total then power_contracted_mw end) as total_mw,
        max(case when not is_company_total then power_contracted_mw end) as largest_site_mw
    from sites
    group by symbol

),

used_sites as (

    select
        *,
        reported_date as found_date,
        {{ dbt.dateadd('day', 1, 'reported_date') }} as next_day
    from sites

),

found as (

    {{ out_of_bounds('deal_value_per_mw', 'priced', 'usd_per_mw', var('deal_min_usd_per_mw'),
        var('deal_max_usd_per_mw'), 'contract value per MW in USD', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('deal_rent_per_mw_year', 'priced', 'rent_usd_per_mw_year',
        var('rent_min_usd_per_mw_year'), var('rent_max_usd_per_mw_year'), 'rent per MW and year in USD', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('cloud_price_per_mw_year', 'priced', 'cloud_usd_per_mw_year',
        var('cloud_min_usd_per_mw_year'), var('cloud_max_usd_per_mw_year'), 'cloud revenue per MW and year in USD', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('deal_extensions', 'priced', 'extended_over_base', 1, var('extensions_max_factor'),
        'value with all extensions over the base term', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('deal_backstop', 'priced', 'backstop_over_value', 0, 1,
        'guaranteed amount over the contract value', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('deal_gross_over_critical_it', 'priced', 'gross_over_critical_it', 1,
        var('gross_max_per_critical_it'), 'gross over critical IT MW', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('deal_start', 'priced', 'years_to_start', var('start_min_years'), var('start_max_years'),
        'time from announcement to start in years', 'found_date', 'deal_id') }}

    union all

    {{ finding('deal_without_term', 'all_deals', 'contract_value_usd is not null and term_years is null',
        'found_date', 'contract_value_usd', 'null', "'contract value without its term'", 'deal_id') }}

    union all

    {{ finding('deal_names_unknown_deal', 'unknown_names', 'true', 'found_date', 'null', 'null',
        "'no contract of the company has the key ' || named_deal_id", 'deal_id') }}

    union all

    {{ finding('deal_leads_to_itself', 'circles', 'true', 'found_date', 'null', 'null',
        "'the contracts that it amends or gives way to lead back to it'", 'deal_id') }}

    union all

    {{ finding('follow_on_before_its_contract', 'too_early', 'true', 'found_date', 'null', 'null',
        "'announced or begun before ' || amended_deal_id || ', which it amends'", 'deal_id') }}

    union all

    {{ finding('follow_on_of_an_intention', 'of_intentions', 'true', 'found_date', 'null', 'null',
        "'what it amends is a letter of intent or an option, whose MW do not count'", 'deal_id') }}

    union all

    {{ finding('later_terms_of_unknown_deal', 'held_back', 'is_of_no_deal', 'found_date', 'null', 'null',
        "'no contract of the company has the key'", 'deal_id') }}

    union all

    {{ finding('later_terms_for_no_day', 'held_back',
        'not is_of_no_deal and (announced_date is null or until_date <= announced_date)',
        'found_date', 'null', 'null',
        "'there is no day between the announcement and the day on which more became public'", 'deal_id') }}

    union all

    {{ finding('later_terms_are_not_there', 'held_back', 'not is_of_no_deal and not hides_something',
        'found_date', 'null', 'null', "'the contract has none of the terms that were not public'", 'deal_id') }}

    union all

    {{ finding('deal_twice', 'twins', 'times > 1', 'found_date', 'times', '1',
        "'another contract has its day, tenant, MW and value'", 'deal_id') }}

    union all

    {{ finding('site_spelled_twice', 'spellings', 'site <> other_site', 'found_date', 'null', 'null',
        "'it is also written ' || other_site || ', and counts as another site'", 'site') }}

    union all

    {{ finding('deal_with_itself', 'parties', 'is_own_tenant', 'found_date', 'null', 'null',
        "'the tenant ' || counterparty || ' is the company itself'", 'deal_id') }}

    union all

    {{ finding('deal_guarantor', 'parties', 'is_own_guarantor', 'found_date', 'null', 'null',
        "'the tenant ' || counterparty || ' is its own guarantor'", 'deal_id') }}

    union all

    {{ finding('deal_key_of_another_company', 'parties', 'key_symbol is not null', 'found_date',
        'null', 'null', "'the key is one of ' || key_symbol", 'deal_id') }}

    union all

    {{ out_of_bounds('deal_end', 'ends', 'years_past_term', var('end_min_years_past_term'),
        var('end_max_years_past_term'), 'time from the end of the base term to the end in years', 'found_date',
        'deal_id') }}

    union all

    {{ out_of_bounds('deal_end_known', 'ends', 'years_to_known', '-' ~ var('end_known_max_years'),
        var('end_known_max_years'), 'time from the end to the day it became public in years', 'found_date', 'deal_id') }}

    union all

    {{ out_of_bounds('site_first_power', 'first_powers', 'years_to_power', var('first_power_min_years'),
        var('first_power_max_years'), 'time from the report to first power in years', 'found_date', 'site') }}

    union all

    {{ finding('site_without_its_power', 'last_reports',
        'power_energized_mw = 0 and energization_date < newest_date', 'reported_date', 'years_since_power', '0',
        "'by the last page on it nothing is live, and first power was due on ' || energization_date", 'site') }}

    union all

    {{ finding('site_shares', 'owners', 'stated_shares > 0 and owners_pct > 100', 'found_date', 'owners_pct',
        '100', "'the companies at the site say that they own ' || " ~ in_words('owners_pct') ~ " || ' % of it'",
        'site') }}

    union all

    {{ finding('deals_exceed_site', 'at_site', 'deals_mw > site_mw * ' ~ var('site_tolerance'), 'found_date',
        'deals_mw', 'site_mw',
        "'the contracts at the site add up to ' || " ~ in_words('deals_mw') ~ " || ' MW, the site has ' || "
        ~ in_words('site_mw'), 'site') }}

    union all

    {{ finding('deal_exceeds_company', 'at_company', 'power_mw > largest_mw', 'found_date',
        'power_mw', 'largest_mw', "'the contract is for ' || " ~ in_words('power_mw')
        ~ " || ' MW, the largest figure of the company is ' || " ~ in_words('largest_mw'), 'deal_id') }}

    union all

    {{ out_of_bounds('site_power', 'single_sites', 'stated_mw', var('site_min_mw'), var('site_max_mw'),
        'power of the site in MW', 'found_date', 'site') }}

    union all

    {{ out_of_bounds('company_power', 'totals', 'stated_mw', 0, var('company_max_mw'),
        'power of the company in MW', 'found_date', 'site') }}

    union all

    {{ out_of_bounds('site_power_change', 'single_sites', 'power_over_report_before', var('site_min_change'),
        var('site_max_change'), 'contracted power over that of the report before', 'found_date', 'site') }}

    union all

    {{ finding('site_live_power_change', 'single_sites',
        'live_over_report_before < ' ~ var('site_min_change'), 'found_date', 'live_over_report_before', var('site_min_change'),
        "'live power is ' || " ~ in_words('live_over_report_before') ~ " || ' of that of the report before'", 'site') }}

    union all

    {{ finding('site_use', 'used_sites', "use = 'mining' and critical_it_mw_contracted > 0", 'found_date',
        'critical_it_mw_contracted', '0', "'a site for mining alone has leased critical IT MW'", 'site') }}

    union all

    {{ finding('site_dated_by_period', 'used_sites',
        'extract(day from next_day) = 1 and extract(month from next_day) in (1, 4, 7, 10)',
        'found_date', 'null', 'null',
        "'its day is the last of a quarter: the period may stand for the day of the page'", 'site') }}

    union all

    {{ finding('company_total_below_site', 'sizes', 'total_mw < largest_site_mw', 'found_date', 'total_mw',
        'largest_site_mw', "'the company has ' || " ~ in_words('total_mw') ~ " || ' MW in all, and '  || "
        ~ in_words('largest_site_mw') ~ " || ' MW at one site'") }}

),

final as (

    {{ with_acceptance('found') }}

)

select * from final
