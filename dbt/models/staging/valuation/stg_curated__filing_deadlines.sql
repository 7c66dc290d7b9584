with

source as (

    select * from {{ source('raw', 'curated__filing_deadlines') }}

),

renamed as (

    select
        filer_type,
        period,
        months_after_period_end,
        days_after_period_end,
        filer_class,
        used_for_estimate,
        reason,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
