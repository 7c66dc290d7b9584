with

standing as (

    select * from {{ ref('int_rating_notes') }}
    where valid_to is null

),

scale as (

    select * from {{ ref('stg_curated__rating_scale') }}

),

words as (

    select
        rating_source,
        rating_date,
        lower(from_rating) as rating
    from standing
    where from_rating is not null

    union all

    select
        rating_source,
        rating_date,
        lower(to_rating) as rating
    from standing

),

unknown as (

    select
        words.rating,
        words.rating_source,
        count(*) as uses,
        min(words.rating_date) as first_rating_date,
        max(words.rating_date) as last_rating_date
    from words
    left join scale on words.rating = scale.rating
    where scale.rating is null
    group by words.rating, words.rating_source

)

select * from unknown
