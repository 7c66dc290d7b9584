{#- what a bar is striking for, beside the bars before and after it: each is a finding below -#}
{%- set strikes = {
    'move_without_split':
        'move_in_volatilities > ' ~ var('move_max_volatilities') ~ ' and move_factor > ' ~ var('move_min_factor')
        ~ ' and split_ratio is null',
    'unadjusted_split':
        'split_number >= 2 and off_split_number < ' ~ var('split_tolerance')
        ~ ' and abs(log_ratio) > ' ~ var('split_min_volatilities') ~ ' * usual_move'
        ~ ' and abs(log_move) > abs(log_ratio) / 2 and split_ratio is null',
    'lone_spike':
        'move_in_volatilities > ' ~ var('spike_min_volatilities') ~ ' and move_factor > ' ~ var('move_min_factor')
        ~ ' and abs(log_move_with_next) < abs(log_move) / 4',
    'wide_range': 'high_over_low < 1 or high_over_low > ' ~ var('range_max_factor'),
    'close_far_from_average':
        'close_over_sma_50 < ' ~ var('average_min_factor') ~ ' or close_over_sma_50 > ' ~ var('average_max_factor'),
    'session_without_volume': 'volume = 0',
    'repeated_bar':
        'volume > 0 and volume = volume_before and open = open_before and high = high_before and low = low_before'
        ~ ' and close = prev_close',
    'price_stands_still': 'volatility_21d_pct = 0',
    'price_basis_changes': 'price_basis <> basis_before',
} -%}
{#- what it may be striking for beside a stretch of others: looked at once more among those alone -#}
{%- set may_strike = {
    'volume_scale_changes': 'abs(log_volume_after - log_volume_before) > ln(' ~ var('volume_max_change') ~ ')',
    'closes_on_a_line': 'abs(bend) < 1e-6 * highest_close',
} -%}

with

technicals as {{ materialized(false) }} (

    select * from {{ ref('fct_daily_technicals') }}

),

splits as (

    select
        symbol,
        trade_date,
        split_ratio
    from {{ ref('stg_market__daily_prices') }}
    where split_ratio <> 1

),

-- each bar with its neighbours
neighbours as (

    select
        symbol,
        trade_date,
        open,
        high,
        low,
        close,
        volume,
        prev_close,
        price_basis,
        sma_50,
        volatility_21d_pct,
        lag(volatility_21d_pct) over by_symbol as volatility_before_pct,
        lag(open) over by_symbol as open_before,
        lag(high) over by_symbol as high_before,
        lag(low) over by_symbol as low_before,
        lag(volume) over by_symbol as volume_before,
        {{ ignoring_nulls('lag', 'price_basis') }} over by_symbol as basis_before,
        lead(close) over by_symbol as close_after,
        close - 2 * prev_close + lag(prev_close) over by_symbol as bend,
        avg(ln(nullif(volume, 0))) over (
            partition by symbol order by trade_date
            rows between 1 following and {{ var('volume_sessions') }} following
        ) as log_volume_after,
        avg(ln(nullif(volume, 0))) over (
            partition by symbol order by trade_date
            rows between {{ var('volume_sessions') }} preceding and 1 preceding
        ) as log_volume_before,
        row_number() over by_symbol as bar_number,
        count(*) over (partition by symbol) as bars,
        max(close) over (partition by symbol) as highest_close
    from technicals
    window by_symbol as (partition by symbol order by trade_date)

),

measured as (

    select
        neighbours.*,
        splits.split_ratio,
        ln(neighbours.close / neighbours.prev_close) as log_move,
        ln(neighbours.close_after / neighbours.prev_close) as log_move_with_next,
        ln(neighbours.prev_close / coalesce(neighbours.open, neighbours.close)) as log_ratio,
        greatest(
            coalesce(
                neighbours.volatility_before_pct / 100 / sqrt({{ var('sessions_per_year') }}),
                {{ var('unknown_daily_volatility') }}
            ),
            {{ var('least_daily_volatility') }}
        ) as usual_move
    from neighbours
    left join splits
        on neighbours.symbol = splits.symbol and neighbours.trade_date = splits.trade_date

),

-- n old shares for one new, or one for n: the whole number that the ratio overnight is nearest to
compared as (

    select
        *,
        round(exp(abs(log_ratio))) as split_number,
        abs(exp(abs(log_ratio)) / round(exp(abs(log_ratio))) - 1) as off_split_number,
        abs(log_move) / usual_move as move_in_volatilities,
        exp(abs(log_move)) as move_factor,
        close / sma_50 as close_over_sma_50,
        high / low as high_over_low
    from measured

),

-- mostly none: the findings look at these alone
striking as {{ materialized() }} (

    select * from compared
    where ({{ (strikes.values() | list + may_strike.values() | list) | join(')\n        or (') }})

),

-- the first session of another scale: no other one within reach changes as much
scale_changes as (

    select
        symbol,
        trade_date,
        exp(log_volume_after - log_volume_before) as volume_over_before,
        bar_number > {{ var('volume_sessions') }} and bars - bar_number >= {{ var('volume_sessions') }}
        and abs(log_volume_after - log_volume_before) = max(abs(log_volume_after - log_volume_before)) over (
            partition by symbol order by bar_number
            range between {{ var('volume_sessions') }} preceding and {{ var('volume_sessions') }} following
        ) as is_another_scale
    from striking
    where {{ may_strike.volume_scale_changes }}

),

-- the last session of a line: all before it within reach are here, and bend as little
straight as (

    select
        symbol,
        trade_date,
        close,
        bar_number > {{ var('line_sessions') }} + 2
        and close <> prev_close
        and count(*) over within_line > {{ var('line_sessions') }}
        and max(abs(bend)) over within_line < 1e-6 * close as is_on_a_line
    from striking
    where {{ may_strike.closes_on_a_line }}
    window
        within_line as (
            partition by symbol order by bar_number
            range between {{ var('line_sessions') }} preceding and current row
        )

),

repetitions as (

    select
        symbol,
        max(trade_date) as trade_date,
        count(*) - 1 as times
    from technicals
    where volume > 0
    group by symbol, open, high, low, close, volume
    having count(*) > 1

),

copies as (

    select
        symbol,
        max(trade_date) as trade_date,
        sum(times) as repeated_bars
    from repetitions
    group by symbol

),

flat_years as (

    select
        symbol,
        max(trade_date) as trade_date,
        avg(case when high = low and volume > 0 then 1e0 else 0e0 end) as flat_share
    from technicals
    group by symbol, extract(year from trade_date)
    having count(*) >= {{ var('spacing_min_bars') }}

),

prices as (

    select * from {{ ref('stg_market__daily_prices') }}

),

exchange_traded as (

    select symbol from {{ ref('dim_miners') }}
    where trading_calendar = 'XNYS'

),

sessions as (

    select session_date from {{ ref('dim_sessions') }}

),

span as (

    select
        min(session_date) as first_session,
        max(session_date) as last_session
    from sessions

),

-- a time zone too far, and a fifth of the bars are on Saturdays
closed_days as (

    select
        prices.symbol,
        max(prices.trade_date) as trade_date,
        count(*) as closed_day_bars
    from prices
    inner join exchange_traded on prices.symbol = exchange_traded.symbol
    inner join span on prices.trade_date between span.first_session and span.last_session
    where prices.trade_date not in (select sessions.session_date from sessions)
    group by prices.symbol, extract(year from prices.trade_date)

),

dividends as (

    select
        technicals.symbol,
        technicals.trade_date,
        prices.dividend_usd / technicals.close as dividend_over_close
    from technicals
    inner join prices
        on technicals.symbol = prices.symbol and technicals.trade_date = prices.trade_date
    where prices.dividend_usd > 0

),

spacing as (

    select
        symbol,
        max(trade_date) as trade_date,
        {{ days_from('min(trade_date)', 'max(trade_date)') }} / (count(*) - 1e0) as days_per_bar
    from technicals
    group by symbol, extract(year from trade_date)
    having count(*) >= {{ var('spacing_min_bars') }}

),

years as (

    select
        symbol,
        extract(year from trade_date) as bar_year,
        max(trade_date) as trade_date,
        count(*) as bars,
        {{ fingerprint_of(['trade_date', 'close', 'volume']) }} as fingerprint
    from technicals
    group by symbol, extract(year from trade_date)
    having count(*) >= {{ var('spacing_min_bars') }}

),

twins as (

    select
        years.symbol,
        years.trade_date,
        years.bars,
        min(others.symbol) as other_symbol
    from years
    inner join years as others
        on
            years.bar_year = others.bar_year
            and years.fingerprint = others.fingerprint
            and years.bars = others.bars
            and years.symbol <> others.symbol
    group by years.symbol, years.trade_date, years.bars

),

moves as (

    {{ finding(
        'move_without_split', 'striking', strikes.move_without_split,
        'trade_date', 'move_in_volatilities', var('move_max_volatilities'),
        "'close ' || " ~ in_words('close') ~ " || ' after ' || " ~ in_words('prev_close')
            ~ " || ' is a move of ' || " ~ in_words('move_in_volatilities')
            ~ " || ' daily volatilities without a split, at most " ~ var('move_max_volatilities') ~ " are usual'"
    ) }}

),

unadjusted_splits as (

    {{ finding(
        'unadjusted_split', 'striking', strikes.unadjusted_split, 'trade_date', 'exp(abs(log_ratio))', 'split_number',
        "'the price went from ' || " ~ in_words('prev_close') ~ " || ' to ' || " ~ in_words('coalesce(open, close)')
            ~ " || ' overnight, like a split of ' || cast(cast(least(split_number, 1e15) as bigint) as string)"
            ~ " || ' to 1 that was not adjusted for'"
    ) }}

),

spikes as (

    {{ finding(
        'lone_spike', 'striking', strikes.lone_spike, 'trade_date', 'move_factor', var('move_min_factor'),
        "'close ' || " ~ in_words('close') ~ " || ' stands alone between ' || " ~ in_words('prev_close')
            ~ " || ' and ' || " ~ in_words('close_after')
    ) }}

),

ranges as (

    {{ out_of_bounds(
        'wide_range', 'striking', 'high_over_low', 1, var('range_max_factor'), 'high over low', 'trade_date'
    ) }}

),

levels as (

    {{ out_of_bounds(
        'close_far_from_average', 'striking', 'close_over_sma_50', var('average_min_factor'), var('average_max_factor'),
        'close over its 50-session average', 'trade_date'
    ) }}

),

no_volume as (

    {{ finding(
        'session_without_volume', 'striking', strikes.session_without_volume, 'trade_date', 'volume', 1,
        "'no share was traded'"
    ) }}

),

repeated as (

    {{ finding(
        'repeated_bar', 'striking', strikes.repeated_bar, 'trade_date', 'close', 'prev_close',
        "'the bar repeats the one before, volume included'"
    ) }}

),

unchanged as (

    {{ finding(
        'price_stands_still', 'striking', strikes.price_stands_still, 'trade_date', 'volatility_21d_pct', 0,
        "'the close has not changed for 21 sessions'"
    ) }}

),

mixed_bases as (

    {{ finding(
        'price_basis_changes', 'striking', strikes.price_basis_changes, 'trade_date', 'null', 'null',
        "'prices are ' || price_basis || ' from here on and ' || basis_before || ' before: '"
            ~ " || 'averages and returns across the day mix both'"
    ) }}

),

sparse as (

    {{ finding(
        'bars_not_daily', 'spacing', 'days_per_bar > ' ~ var('spacing_max_days'), 'trade_date', 'days_per_bar',
        var('spacing_max_days'),
        "'a bar every ' || " ~ in_words('days_per_bar')
            ~ " || ' days that year: weekly or monthly bars, or most sessions are missing'"
    ) }}

),

copied as (

    {{ finding(
        'bars_of_another_symbol', 'twins', 'bars > 0', 'trade_date', 'bars', 0,
        "'all ' || cast(bars as string) || ' bars of the year are those of ' || other_symbol"
    ) }}

),

scales as (

    {{ finding(
        'volume_scale_changes', 'scale_changes', 'is_another_scale', 'trade_date', 'volume_over_before',
        var('volume_max_change'),
        "'volume from here on is ' || " ~ in_words('volume_over_before')
            ~ " || ' times that of the sessions before: another unit?'"
    ) }}

),

lines as (

    {{ finding(
        'closes_on_a_line', 'straight', 'is_on_a_line', 'trade_date', 'close', 'null',
        "'" ~ var('line_sessions') ~ " closes up to this one lie on a straight line: made up between two prices?'"
    ) }}

),

repetitive as (

    {{ finding(
        'bars_repeat', 'copies', 'repeated_bars >= ' ~ var('repeated_min_bars'), 'trade_date', 'repeated_bars',
        var('repeated_min_bars'),
        "cast(cast(repeated_bars as bigint) as string) || ' bars equal those of other days, volume included'"
    ) }}

),

flat as (

    {{ finding(
        'bars_without_range', 'flat_years', 'flat_share > ' ~ var('flat_max_share'), 'trade_date', 'flat_share',
        var('flat_max_share'),
        in_words('100 * flat_share') ~ " || ' % of the year''s bars have one price for high and low'"
    ) }}

),

off_sessions as (

    {{ finding(
        'bars_on_closed_days', 'closed_days', 'closed_day_bars >= ' ~ var('closed_day_min_bars'), 'trade_date',
        'closed_day_bars', var('closed_day_min_bars'),
        "cast(closed_day_bars as string) || ' bars of the year are of days on which the exchange was closed'"
    ) }}

),

large_dividends as (

    {{ finding(
        'dividend_above_close', 'dividends', 'dividend_over_close > ' ~ var('dividend_max_of_close'), 'trade_date',
        'dividend_over_close', var('dividend_max_of_close'),
        "'the dividend is ' || " ~ in_words('dividend_over_close') ~ " || ' of the close'"
    ) }}

),

found as (

    select * from moves
    union all
    select * from scales
    union all
    select * from lines
    union all
    select * from repetitive
    union all
    select * from flat
    union all
    select * from off_sessions
    union all
    select * from large_dividends
    union all
    select * from unadjusted_splits
    union all
    select * from spikes
    union all
    select * from ranges
    union all
    select * from levels
    union all
    select * from no_volume
    union all
    select * from repeated
    union all
    select * from unchanged
    union all
    select * from mixed_bases
    union all
    select * from sparse
    union all
    select * from copied

),

final as (

    {{ with_acceptance('found') }}

)

select * from final
