{% set price_days = var('price_in_force_days') | int -%}

{% set contracted_pct_of_power = pct_of_power('known_on_day.contracted_critical_it_mw', 'known_on_day') -%}

with

miners as (

    select * from {{ ref('dim_miners') }}

),

technicals as (

    select * from {{ ref('fct_daily_technicals') }}

),

capital_known as (

    select * from {{ ref('fct_capital_known') }}

),

capacity_known as (

    select * from {{ ref('fct_capacity_known') }}

),

companies as (

    select symbol from miners
    where is_covered_company

),

prices as (

    select
        technicals.symbol,
        technicals.trade_date,
        technicals.close,
        technicals.price_source,
        miners.instrument_type
    from technicals
    inner join miners on technicals.symbol = miners.symbol
    where miners.is_covered_company or miners.instrument_type = 'bitcoin'

),

bitcoin as (

    select * from prices
    where instrument_type = 'bitcoin'

),

-- a price comes, a price gets too old, a fact becomes known
change_days as (

    select trade_date as change_date from prices
    union
    select cast({{ dbt.dateadd('day', price_days, 'trade_date') }} as date) as change_date
    from prices
    union
    select known_from_date as change_date from capital_known
    union
    select known_from_date as change_date from capacity_known

),

-- and the day before all of them, on which nothing is known
days as (

    select
        change_date as position_date,
        false as is_first_day
    from change_days

    union all

    select
        cast(
            {{ dbt.dateadd('day', -1, "coalesce(min(change_date), cast('1900-01-01' as date))") }}
            as date
        ) as position_date,
        true as is_first_day
    from change_days

),

priced as (

    select
        companies.symbol,
        days.position_date,
        days.is_first_day,
        prices.trade_date,
        prices.close,
        prices.price_source,
        bitcoin.close as btc_close
    from days
    cross join companies
    left join prices
        on companies.symbol = prices.symbol and days.position_date = prices.trade_date
    left join bitcoin on days.position_date = bitcoin.trade_date

),

dated as (

    select
        symbol,
        position_date,
        lead(position_date) over (partition by symbol order by position_date)
            as next_position_date,
        is_first_day,
        {{ ignoring_nulls('last_value', 'trade_date') }} over recent as price_date,
        {{ ignoring_nulls('last_value', 'close') }} over recent as close,
        {{ ignoring_nulls('last_value', 'price_source') }} over recent as price_source,
        {{ ignoring_nulls('last_value', 'btc_close') }} over recent as btc_close
    from priced
    window recent as (
        partition by symbol
        order by position_date
        range between interval {{ price_days - 1 }} day preceding and current row
    )

),

known_on_day as (

    select
        dated.symbol,
        dated.position_date,
        dated.next_position_date,
        dated.is_first_day,
        dated.price_date,
        dated.close,
        dated.price_source,
        dated.btc_close,
        capital_known.shares_outstanding,
        capital_known.shares_outstanding_as_of_date,
        capital_known.shares_outstanding_known_date,
        capital_known.shares_outstanding_source_url,
        capital_known.diluted_shares,
        capital_known.cash_usd,
        capital_known.cash_usd_as_of_date,
        capital_known.cash_usd_source_url,
        capital_known.debt_usd,
        capital_known.debt_usd_as_of_date,
        capital_known.debt_usd_source_url,
        capital_known.net_debt_usd,
        capital_known.btc_held,
        capital_known.btc_held_as_of_date,
        capital_known.btc_held_source_url,
        coalesce(capital_known.known_date_is_estimated, false) as known_date_is_estimated,
        coalesce(capital_known.shares_coverage, 'no report known') as shares_coverage,
        coalesce(capital_known.shares_is_complete, false) as shares_is_complete,
        coalesce(capital_known.net_debt_coverage, 'no report known') as net_debt_coverage,
        coalesce(capital_known.net_debt_is_complete, false) as net_debt_is_complete,
        case
            when capital_known.symbol is null then 'no report known'
            when capital_known.btc_held > 0 and dated.btc_close is null then 'no bitcoin price'
            else capital_known.btc_coverage
        end as btc_coverage,
        coalesce(
            capital_known.btc_is_complete
            and (capital_known.btc_held = 0 or dated.btc_close is not null),
            false
        ) as btc_is_complete,
        capacity_known.contracted_critical_it_mw,
        coalesce(capacity_known.contracted_critical_it_mw_coverage, 'no contract known')
            as contracted_critical_it_mw_coverage,
        coalesce(capacity_known.contracted_critical_it_mw_is_complete, false)
            as contracted_critical_it_mw_is_complete,
        capacity_known.contracted_gross_mw,
        capacity_known.planned_critical_it_mw,
        coalesce(capacity_known.planned_critical_it_mw_coverage, 'not stated')
            as planned_critical_it_mw_coverage,
        coalesce(capacity_known.planned_critical_it_mw_is_complete, false)
            as planned_critical_it_mw_is_complete,
        capacity_known.gross_power_mw,
        coalesce(capacity_known.gross_power_mw_coverage, 'not stated')
            as gross_power_mw_coverage,
        coalesce(capacity_known.gross_power_mw_is_complete, false)
            as gross_power_mw_is_complete,
        capacity_known.energized_gross_mw,
        coalesce(capacity_known.energized_gross_mw_coverage, 'not stated')
            as energized_gross_mw_coverage,
        coalesce(capacity_known.energized_gross_mw_is_complete, false)
            as energized_gross_mw_is_complete,
        coalesce(capacity_known.deals, 0) as deals,
        coalesce(capacity_known.deals_without_value, 0) as deals_without_value,
        capacity_known.last_deal_date,
        capacity_known.contracted_revenue_usd,
        coalesce(capacity_known.contracted_revenue_coverage, 'no contract known')
            as contracted_revenue_coverage,
        coalesce(capacity_known.contracted_revenue_is_complete, false)
            as contracted_revenue_is_complete,
        capacity_known.site_source_urls,
        capacity_known.deal_source_urls
    from dated
    left join capital_known
        on
            dated.symbol = capital_known.symbol
            and {{ known_on('dated.position_date', 'capital_known') }}
    left join capacity_known
        on
            dated.symbol = capacity_known.symbol
            and {{ known_on('dated.position_date', 'capacity_known') }}

),

valued as (

    select
        known_on_day.*,
        known_on_day.close * known_on_day.shares_outstanding as market_cap_usd,
        known_on_day.close * known_on_day.diluted_shares as diluted_market_cap_usd,
        {{ btc_value('known_on_day.btc_held', 'known_on_day.btc_close') }} as btc_value_usd,
        -- why the value of the whole company says nothing over these MW, null where it does
        case
            when not known_on_day.contracted_critical_it_mw_is_complete
                then known_on_day.contracted_critical_it_mw_coverage
            when {{ is_fraction_of_company(contracted_pct_of_power) }}
                then
                    'partial: contracts for '
                    || cast(round({{ contracted_pct_of_power }}) as bigint)
                    || ' % of the power'
        end as contracted_gap
    from known_on_day

),

positions as (

    select
        valued.*,
        valued.market_cap_usd + valued.net_debt_usd as enterprise_value_usd,
        valued.market_cap_usd + valued.net_debt_usd - valued.btc_value_usd
            as enterprise_value_ex_btc_usd,
        case
            when valued.contracted_gap is null
                then (valued.market_cap_usd + valued.net_debt_usd)
                    / nullif(valued.contracted_critical_it_mw, 0)
        end as ev_per_critical_it_mw_usd,
        case
            when valued.planned_critical_it_mw_is_complete
                then (valued.market_cap_usd + valued.net_debt_usd)
                    / nullif(valued.planned_critical_it_mw, 0)
        end as ev_per_planned_critical_it_mw_usd,
        case
            when valued.gross_power_mw_is_complete
                then (valued.market_cap_usd + valued.net_debt_usd)
                    / nullif(valued.gross_power_mw, 0)
        end as ev_per_gross_mw_usd,
        case
            when valued.energized_gross_mw_is_complete
                then (valued.market_cap_usd + valued.net_debt_usd)
                    / nullif(valued.energized_gross_mw, 0)
        end as ev_per_energized_gross_mw_usd,
        case
            when valued.contracted_revenue_is_complete
                then (valued.market_cap_usd + valued.net_debt_usd)
                    / nullif(valued.contracted_revenue_usd, 0)
        end as ev_to_contracted_revenue,
        case
            when valued.close is null then 'no price'
            when not valued.shares_is_complete then valued.shares_coverage
            else valued.net_debt_coverage
        end as enterprise_value_coverage,
        valued.close is not null and valued.shares_is_complete and valued.net_debt_is_complete
            as enterprise_value_is_complete
    from valued

),

final as (

    select
        symbol,
        position_date,
        next_position_date,
        is_first_day,
        price_date,
        close,
        price_source,
        shares_outstanding,
        shares_outstanding_as_of_date,
        shares_outstanding_known_date,
        shares_coverage,
        shares_is_complete,
        market_cap_usd,
        diluted_shares,
        diluted_market_cap_usd,
        cash_usd,
        cash_usd_as_of_date,
        debt_usd,
        debt_usd_as_of_date,
        net_debt_usd,
        net_debt_coverage,
        net_debt_is_complete,
        btc_held,
        btc_held_as_of_date,
        btc_close,
        btc_value_usd,
        btc_coverage,
        btc_is_complete,
        enterprise_value_usd,
        enterprise_value_ex_btc_usd,
        enterprise_value_coverage,
        enterprise_value_is_complete,
        deals,
        deals_without_value,
        last_deal_date,
        contracted_revenue_usd,
        contracted_revenue_coverage,
        contracted_revenue_is_complete,
        contracted_critical_it_mw,
        contracted_critical_it_mw_coverage,
        contracted_critical_it_mw_is_complete,
        contracted_gross_mw,
        planned_critical_it_mw,
        planned_critical_it_mw_coverage,
        planned_critical_it_mw_is_complete,
        gross_power_mw,
        gross_power_mw_coverage,
        gross_power_mw_is_complete,
        energized_gross_mw,
        energized_gross_mw_coverage,
        energized_gross_mw_is_complete,
        ev_per_critical_it_mw_usd,
        coalesce(contracted_gap, enterprise_value_coverage) as ev_per_critical_it_mw_coverage,
        contracted_gap is null and enterprise_value_is_complete as ev_per_critical_it_mw_is_complete,
        ev_per_planned_critical_it_mw_usd,
        ev_per_gross_mw_usd,
        ev_per_energized_gross_mw_usd,
        ev_to_contracted_revenue,
        known_date_is_estimated,
        shares_outstanding_source_url,
        cash_usd_source_url,
        debt_usd_source_url,
        btc_held_source_url,
        site_source_urls,
        deal_source_urls
    from positions

)

select * from final
