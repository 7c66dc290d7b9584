{{ config(materialized='table_macro', parameters=['as_of']) }}

with

versions as (

    select * from {{ ref('fct_rating_changes_history').include(database=false) }}

),

believed as (

    select
        versions.*,
        case
            when versions.action in ('upgrade', 'downgrade') then 1
            when versions.action = 'initiate' then 2
            when versions.action in ('target_raise', 'target_cut') then 3
            else 4
        end as change_rank
    from versions
    where {{ believed_on('cast(as_of as date)', 'versions') }}

),

final as (

    select
        believed.symbol,
        believed.rating_date,
        believed.firm,
        -- of several notes on one day the one that changes most comes first
        row_number() over (
            partition by believed.symbol
            order by believed.rating_date desc, believed.change_rank, believed.firm
        ) as recency,
        {{ in_force_on('cast(as_of as date)', 'believed.rating_date') }} as is_in_force,
        believed.change_rank,
        believed.change_rank <= 2 as is_rating_change,
        believed.action,
        believed.from_rating,
        believed.to_rating,
        believed.from_score,
        believed.to_score,
        believed.price_target_prior,
        believed.price_target_new,
        believed.target_change_pct,
        believed.rating_source,
        believed.source_url,
        believed.source_tier,
        believed.notes
    from believed

)

select * from final
order by symbol, recency
