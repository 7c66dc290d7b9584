with

rating_versions as (

    select * from {{ ref('int_rating_change_versions') }}

),

sessions as (

    select * from {{ ref('dim_sessions') }}

),

companies as (

    select * from {{ ref('dim_miners') }}
    where is_covered_company

),

bars as (

    select * from {{ ref('int_daily_bars') }}

),

-- not after the last session that any of these companies has a price for
past_sessions as (

    select session_date
    from sessions
    where session_date <= (select max(companies.last_price_date) from companies)

),

believed as (

    select
        past_sessions.session_date as trade_date,
        rating_versions.symbol,
        rating_versions.firm,
        rating_versions.rating_date,
        rating_versions.believed_from_date,
        rating_versions.to_score,
        rating_versions.price_target_new
    from rating_versions
    inner join past_sessions
        on
            {{ in_force_on('past_sessions.session_date', 'rating_versions.rating_date') }}
            and {{ believed_on('past_sessions.session_date', 'rating_versions') }}

),

-- the last note of each firm, nulls included (half the time of numbering the rows)
in_force as (

    select
        trade_date,
        symbol,
        max_by(
            {{ one_value_of(['to_score', 'price_target_new', 'rating_date']) }},
            {{ compared_in_turn(['rating_date', 'believed_from_date']) }}
        ) as note
    from believed
    group by trade_date, symbol, firm

),

-- a mean of doubles depends on their order, and a second run must give the same digits
consensus as (

    select
        symbol,
        trade_date,
        count(*) as rated_firms,
        count(note.to_score) as scored_firms,
        count(note.price_target_new) as firms_with_target,
        avg(note.to_score) as mean_score,
        {{ mean_in_order('note.price_target_new') }} as mean_price_target,
        median(note.price_target_new) as median_price_target,
        max(note.price_target_new) as high_price_target,
        min(note.price_target_new) as low_price_target,
        max(note.rating_date) as last_rating_date
    from in_force
    group by symbol, trade_date

),

final as (

    select
        consensus.symbol,
        consensus.trade_date,
        consensus.rated_firms,
        consensus.scored_firms,
        consensus.firms_with_target,
        consensus.mean_score,
        consensus.mean_price_target,
        consensus.median_price_target,
        consensus.high_price_target,
        consensus.low_price_target,
        bars.close,
        100.0 * (consensus.mean_price_target / bars.close - 1) as implied_upside_pct,
        consensus.last_rating_date,
        bars.price_source
    from consensus
    left join bars
        on consensus.symbol = bars.symbol and consensus.trade_date = bars.trade_date

)

select * from final
