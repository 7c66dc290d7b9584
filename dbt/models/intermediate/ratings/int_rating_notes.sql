with

curated as (

    select * from {{ ref('stg_curated__rating_changes') }}

),

yahoo as (

    select * from {{ ref('stg_yahoo__rating_changes') }}

),

aliases as (

    select * from {{ ref('stg_curated__firm_aliases') }}

),

notes as (

    select
        'curated' as rating_source,
        rating_date,
        symbol,
        firm as firm_as_given,
        action,
        from_rating,
        to_rating,
        price_target_prior,
        price_target_new,
        source_url,
        notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from curated

    union all

    select
        'yahoo' as rating_source,
        rating_date,
        symbol,
        firm as firm_as_given,
        action,
        from_rating,
        to_rating,
        price_target_prior,
        price_target_new,
        source_url,
        cast(null as string) as notes,
        source_file,
        source_row,
        valid_from,
        valid_to
    from yahoo

),

named as (

    select
        notes.*,
        coalesce(aliases.firm, notes.firm_as_given) as firm
    from notes
    left join aliases on lower(notes.firm_as_given) = aliases.alias

),

dated as (

    select
        named.*,
        min(firm_as_given) over (
            partition by rating_source, symbol, firm, rating_date
        ) as first_firm_as_given,
        {{ belief_dates(
            ['rating_source', 'rating_date', 'symbol', 'firm_as_given'], 'rating_date'
        ) }}
    from named

),

-- a feed may list a note of one day under two names of its firm; the curated file may not, and a
-- test on fct_rating_changes says so
final as (

    select {{ all_but('dated', ['first_firm_as_given']) }}
    from dated
    where rating_source = 'curated' or firm_as_given = first_firm_as_given

)

select * from final
