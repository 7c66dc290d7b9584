with

source as (

    select * from {{ source('raw', 'curated__published_totals') }}

),

standing as (

    select
        as_of_date,
        publisher,
        tickers,
        announced_from_date,
        measure,
        share_basis,
        total_basis,
        published_value,
        tolerance_pct,
        difference_reason,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from standing
