with

source as (

    select * from {{ source('raw', 'edgar__capital_facts') }}

),

standing as (

    select
        symbol,
        measure,
        concept,
        period_end_date,
        amount,
        filed_date,
        accepted_at,
        form,
        accession,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from standing
