with

reports as (

    select * from {{ ref('stg_curated__capital_structure') }}
    where valid_to is null

),

assumptions as (

    select
        *,
        coalesce(symbol, 'SECTOR') as named_symbol
    from {{ ref('stg_curated__mw_valuation_assumptions') }}
    where valid_to is null

),

companies as (

    select * from {{ ref('stg_curated__companies') }}

),

filings as (

    select
        symbol,
        accession,
        min(period_end_date) as found_date,
        max(period_end_date) as last_period_end_date,
        max(cast(substr(accepted_at, 1, 10) as date)) as accepted_date,
        max(filed_date) as filed_date
    from {{ ref('stg_edgar__capital_facts') }}
    where accepted_at is not null
    group by symbol, accession

),

accepted_filings as (

    select
        *,
        {{ dbt.datediff('accepted_date', 'filed_date', 'day') }} as days_to_filing_day,
        accepted_date < last_period_end_date as is_before_period_end
    from filings

),

amounts as (

    select
        symbol,
        period_end_date,
        'shares' as measure,
        cast(shares_outstanding as double) as amount
    from reports

    union all

    select
        symbol,
        period_end_date,
        'cash' as measure,
        cash_usd as amount
    from reports

    union all

    select
        symbol,
        period_end_date,
        'debt' as measure,
        debt_usd as amount
    from reports

    union all

    select
        symbol,
        period_end_date,
        'bitcoin' as measure,
        btc_held as amount
    from reports

),

-- against the last period that states the figure
changes as (

    select
        symbol,
        period_end_date as found_date,
        measure,
        amount / nullif(lag(amount) over (partition by symbol, measure order by period_end_date), 0) as change
    from amounts
    where amount is not null

),

share_changes as (

    select * from changes
    where measure = 'shares'

),

cash_changes as (

    select * from changes
    where measure = 'cash'

),

debt_changes as (

    select * from changes
    where measure = 'debt'

),

bitcoin_changes as (

    select * from changes
    where measure = 'bitcoin'

),

-- figures that one row, or two in turn, say of different things
copies as (

    select
        symbol,
        period_end_date as found_date,
        cash_usd > 0 and cash_usd in (debt_usd, shares_outstanding) or debt_usd = shares_outstanding
            as is_same_figure,
        {% for figure in ['shares_outstanding', 'cash_usd', 'debt_usd', 'btc_held'] -%}
        case when {{ figure }} > 0 and {{ figure }} = lag({{ figure }}) over periods then 1 else 0 end
        {{- ' + ' if not loop.last }}
        {% endfor -%}
            as repeated_figures
    from reports
    window periods as (partition by symbol order by period_end_date)

),

measured as (

    select
        reports.symbol,
        period_end_date as found_date,
        diluted_shares * 1e0 / shares_outstanding as diluted_over_basic,
        {{ dbt.datediff('period_end_date', 'filed_date', 'day') }} as days_to_filing,
        {{ dbt.datediff('period_end_date', 'shares_as_of_date', 'day') }} as days_to_share_count,
        period_end_date <> {{ dbt.last_day('period_end_date', 'month') }}
        or (
            extract(month from period_end_date) - cast(substr(companies.fiscal_year_end, 1, 2) as integer)
        ) % 3 <> 0 as is_within_quarter,
        {{ iso_weekday('filed_date') }} > 5 as is_filed_on_weekend,
        form in ('10-K', '20-F', '40-F')
        and extract(month from period_end_date) <> cast(substr(companies.fiscal_year_end, 1, 2) as integer)
        or form = '10-Q'
        and extract(month from period_end_date) = cast(substr(companies.fiscal_year_end, 1, 2) as integer)
            as is_another_form,
        form
    from reports
    inner join companies on reports.symbol = companies.symbol

),

priced as (

    select
        named_symbol as symbol,
        as_of_date as found_date,
        source_firm || ', ' || business as publication,
        usd_per_mw_high / usd_per_mw_low as high_over_low
    from assumptions

),

found as (

    {{ out_of_bounds('shares_change', 'share_changes', 'change', var('shares_min_change'),
        var('shares_max_change'), 'share count over that of the period before', 'found_date') }}

    union all

    {{ out_of_bounds('cash_change', 'cash_changes', 'change', var('cash_min_change'), var('cash_max_change'),
        'cash over that of the period before', 'found_date') }}

    union all

    {{ out_of_bounds('debt_change', 'debt_changes', 'change', var('debt_min_change'), var('debt_max_change'),
        'debt over that of the period before', 'found_date') }}

    union all

    {{ out_of_bounds('bitcoin_change', 'bitcoin_changes', 'change', var('bitcoin_min_change'),
        var('bitcoin_max_change'), 'bitcoin over that of the period before', 'found_date') }}

    union all

    {{ out_of_bounds('diluted_shares', 'measured', 'diluted_over_basic', var('diluted_min_factor'),
        var('diluted_max_factor'), 'diluted over basic shares', 'found_date') }}

    union all

    {{ out_of_bounds('filing_delay', 'measured', 'days_to_filing', 0, var('filing_max_days'),
        'time from period end to filing in days', 'found_date') }}

    union all

    {{ finding('period_end_within_quarter', 'measured', 'is_within_quarter', 'found_date', 'null', 'null',
        "'no quarter of the fiscal year ends on that day'") }}

    union all

    {{ finding('filed_on_weekend', 'measured', 'is_filed_on_weekend', 'found_date', 'null', 'null',
        "'nothing is filed on a Saturday or Sunday'") }}

    union all

    {{ finding('form_against_period', 'measured', 'is_another_form', 'found_date', 'null', 'null',
        "'a ' || form || ' is not the report of that quarter of the fiscal year'") }}

    union all

    {{ finding('figures_repeat', 'copies', 'is_same_figure', 'found_date', 'null', 'null',
        "'cash, debt and shares are not one number'") }}

    union all

    {{ finding('period_repeats', 'copies', 'repeated_figures >= 2', 'found_date', 'repeated_figures', '1',
        "'several figures are to the digit those of the period before'") }}

    union all

    {{ finding('filing_acceptance', 'accepted_filings', 'is_before_period_end or days_to_filing_day < 0 or '
        ~ 'days_to_filing_day > ' ~ var('acceptance_max_days'), 'found_date', 'days_to_filing_day',
        var('acceptance_max_days'), "'accepted on ' || accepted_date || ', filed on ' || filed_date || ', for a period to '"
        ~ " || last_period_end_date", 'accession') }}

    union all

    {{ out_of_bounds('share_count_day', 'measured', 'days_to_share_count', -31, var('filing_max_days'),
        'time from period end to the day of the share count in days', 'found_date') }}

    union all

    {{ out_of_bounds('usd_per_mw_range', 'priced', 'high_over_low', 1, var('usd_per_mw_max_range'),
        'high over low value per MW', 'found_date', 'publication') }}

),

final as (

    {{ with_acceptance('found') }}

)

select * from final
