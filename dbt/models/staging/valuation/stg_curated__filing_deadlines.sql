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
        -- an estimate is never too early: of several terms that are used the longest counts
        used_for_estimate
        and row_number() over (
            partition by filer_type, period, used_for_estimate
            order by
                coalesce(31 * months_after_period_end, days_after_period_end) desc,
                filer_class
        ) = 1 as used_for_estimate,
        reason,
        source_url,
        source_file,
        source_row
    from source
    where valid_to is null

)

select * from renamed
