with

versions as (

    select * from {{ ref('int_mw_assumption_versions') }}

),

final as (

    select
        as_of_date,
        source_firm,
        business,
        symbol,
        known_date,
        believed_from_date,
        believed_to_date,
        is_current,
        assumption_type,
        value_basis,
        mw_basis,
        gross_per_critical_it_mw,
        usd_per_mw_low,
        usd_per_mw_high,
        usd_per_mw_point,
        discount_rate,
        assumed_mw,
        source_url,
        source_tier,
        notes,
        source_file,
        source_row
    from versions

)

select * from final
