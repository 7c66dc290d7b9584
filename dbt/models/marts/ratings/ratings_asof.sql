{{ config(materialized='table_macro', parameters=['as_of']) }}

with

versions as (

    select * from {{ ref('fct_rating_changes_history').include(database=false) }}

),

measured as (

    select * from {{ ref('fct_rating_changes').include(database=false) }}

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
        measured.prior_session_date,
        measured.close_before,
        -- of the target as it was believed
        case
            when measured.price_target_new = believed.price_target_new
                then measured.implied_upside_pct
        end as implied_upside_pct,
        {%- for days in [1, 5, 21] %}
            case
                when measured.return_{{ days }}d_known_date <= cast(as_of as date)
                    then measured.return_{{ days }}d_known_date
            end as return_{{ days }}d_known_date,
            case
                when measured.return_{{ days }}d_known_date <= cast(as_of as date)
                    then measured.return_{{ days }}d_pct
            end as return_{{ days }}d_pct,
            case
                when measured.return_{{ days }}d_known_date <= cast(as_of as date)
                    then measured.abnormal_return_{{ days }}d_pct
            end as abnormal_return_{{ days }}d_pct,
        {%- endfor %}
        measured.price_source,
        believed.rating_source,
        believed.source_url,
        believed.source_tier,
        believed.notes
    from believed
    left join measured
        on
            believed.symbol = measured.symbol
            and believed.rating_date = measured.rating_date
            and believed.firm = measured.firm

)

select * from final
order by symbol, recency
