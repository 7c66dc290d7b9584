{#-
    CTEs that end in `dated`: the last close of every company on each `position_date` of the CTE
    `position_days`, not older than ten days, and bitcoin's. They read `miners` and
    `technicals`.
-#}
{% macro dated_price_ctes() -%}
    closes as (

        select
            position_days.position_date,
            technicals.symbol,
            technicals.trade_date,
            technicals.close,
            technicals.price_source,
            row_number() over (
                partition by position_days.position_date, technicals.symbol
                order by technicals.trade_date desc
            ) as recency
        from position_days
        inner join technicals
            on
                technicals.trade_date <= position_days.position_date
                and technicals.trade_date
                > {{ dbt.dateadd('day', -10, 'position_days.position_date') }}

    ),

    last_closes as (

        select
            closes.*,
            miners.instrument_type
        from closes
        inner join miners on closes.symbol = miners.symbol
        where closes.recency = 1

    ),

    dated as (

        select
            miners.symbol,
            position_days.position_date,
            last_closes.trade_date as price_date,
            last_closes.close,
            last_closes.price_source,
            bitcoin.close as btc_close
        from position_days
        cross join miners
        left join last_closes
            on
                position_days.position_date = last_closes.position_date
                and miners.symbol = last_closes.symbol
        left join last_closes as bitcoin
            on
                position_days.position_date = bitcoin.position_date
                and bitcoin.instrument_type = 'bitcoin'
        where miners.is_covered_company

    )
{%- endmacro %}
