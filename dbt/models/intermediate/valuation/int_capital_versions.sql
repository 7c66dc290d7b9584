with

reports as (

    select * from {{ ref('stg_curated__capital_structure') }}

),

companies as (

    select * from {{ ref('stg_curated__companies') }}

),

deadlines as (

    select * from {{ ref('stg_curated__filing_deadlines') }}
    where used_for_estimate

),

filing_days as (

    select * from {{ ref('int_filing_days') }}

),

sessions as (

    select * from {{ ref('stg_calendar__sessions') }}

),

source_tiers as (

    select * from {{ ref('stg_curated__source_tiers') }}

),

{{ url_tier_ctes('reports', ['source_url', 'source_url_shares']) }},

classified as (

    select
        reports.*,
        companies.filer_type,
        case
            when reports.form in ('10-K', '20-F', '40-F') then 'year'
            when
                extract(month from reports.period_end_date)
                = cast(split_part(companies.fiscal_year_end, '-', 1) as integer)
                and extract(day from reports.period_end_date)
                = cast(split_part(companies.fiscal_year_end, '-', 2) as integer)
                then 'year'
            else 'quarter'
        end as period
    from reports
    left join companies on reports.symbol = companies.symbol

),

{{ next_report_ctes('reports') }},

due as (

    select
        classified.*,
        deadlines.source_url as deadline_source_url,
        -- where no term tells, it was public when it was loaded
        coalesce(filing_days.filing_date, cast(classified.valid_from as date)) as estimated_date,
        next_due.next_report_due_date
    from classified
    left join deadlines
        on
            classified.filer_type = deadlines.filer_type
            and classified.period = deadlines.period
    left join filing_days
        on
            filing_days.calendar_date
            = {{ filing_term_end(
                'classified.period_end_date',
                'deadlines.months_after_period_end',
                'deadlines.days_after_period_end'
            ) }}
    left join next_due
        on
            classified.symbol = next_due.symbol
            and classified.period_end_date = next_due.period_end_date

),

dated as (

    select
        *,
        coalesce({{ public_from('filed_date', 'filed_time') }}, estimated_date) as known_date,
        filed_date is null as known_date_is_estimated,
        -- a count taken from a data page is not older than the page
        greatest(
            coalesce({{ public_from('filed_date', 'filed_time') }}, estimated_date),
            coalesce(shares_as_of_date, period_end_date)
        ) as shares_known_date,
        coalesce(source_url_shares, source_url) as shares_source_url,
        valid_to is null as is_current
    from due

),

versions as (

    select
        dated.*,
        page_tiers.tier as source_tier,
        shares_tiers.tier as shares_source_tier,
        {{ belief_dates(['dated.symbol', 'dated.period_end_date'], 'dated.known_date') }}
    from dated
    left join url_tiers as page_tiers on dated.source_url = page_tiers.address
    left join url_tiers as shares_tiers on dated.shares_source_url = shares_tiers.address

)

select * from versions
