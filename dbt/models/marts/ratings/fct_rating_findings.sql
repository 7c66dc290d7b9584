with

ratings as (

    select * from {{ ref('fct_rating_changes') }}

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

firm_aliases as (

    select distinct firm from {{ ref('stg_curated__firm_aliases') }}

),

measured as (

    select
        ratings.*,
        -- a list says who is meant; a vendor's feed names its firms always in the same way
        ratings.rating_source = 'curated'
        and firm_aliases.firm is null
        and count(*) over (partition by ratings.firm) = 1 as is_of_unknown_firm,
        sessions.session_date is null
        and ratings.rating_date between span.first_session and span.last_session as is_on_closed_day,
        ratings.rating_source = 'curated'
        and ratings.action = 'initiate'
        and (ratings.from_rating is not null or ratings.price_target_prior is not null) as is_begun_twice,
        ratings.price_target_new / ratings.close_before as target_over_close,
        ratings.price_target_new / ratings.price_target_prior as target_over_prior,
        case
            when ratings.action = 'upgrade' then ratings.to_score <= ratings.from_score
            when ratings.action = 'downgrade' then ratings.to_score >= ratings.from_score
            when ratings.action in ('reiterate', 'target_raise', 'target_cut')
                then ratings.to_score <> ratings.from_score
        end as is_against_scores,
        case
            when ratings.action = 'target_raise' then ratings.price_target_new <= ratings.price_target_prior
            when ratings.action = 'target_cut' then ratings.price_target_new >= ratings.price_target_prior
        end as is_against_targets
    from ratings
    cross join span
    left join sessions on ratings.rating_date = sessions.session_date
    left join firm_aliases on ratings.firm = firm_aliases.firm

),

found as (

    {{ finding('rating_on_closed_day', 'measured', 'is_on_closed_day', 'rating_date', 'null', 'null',
        "'the exchange was closed on the day of the note'", 'firm') }}

    union all

    {{ finding('unknown_firm', 'measured', 'is_of_unknown_firm', 'rating_date', 'null', 'null',
        "'no other note is of that firm, and firm_aliases.csv does not name it'", 'firm') }}

    union all

    {{ finding('action_against_scores', 'measured', 'is_against_scores', 'rating_date',
        'to_score', 'from_score', "action || ' from ' || from_rating || ' to ' || to_rating", 'firm') }}

    union all

    {{ finding('action_against_targets', 'measured', 'is_against_targets', 'rating_date', 'price_target_new',
        'price_target_prior', "action || ' from ' || " ~ in_words('price_target_prior') ~ " || ' to ' || "
        ~ in_words('price_target_new'), 'firm') }}

    union all

    {{ finding('initiation_with_history', 'measured', 'is_begun_twice', 'rating_date', 'null', 'null',
        "'coverage begins, and a rating or target stood before'", 'firm') }}

    union all

    {{ out_of_bounds('target_far_from_close', 'measured', 'target_over_close', var('target_min_over_close'),
        var('target_max_over_close'), 'price target over the close before', 'rating_date', 'firm') }}

    union all

    {{ out_of_bounds('target_jump', 'measured', 'target_over_prior', var('target_min_change'),
        var('target_max_change'), 'price target over the one before', 'rating_date', 'firm') }}

),

final as (

    {{ with_acceptance('found') }}

)

select * from final
