{{ config(materialized='table_macro', parameters=['as_of']) }}

with

capacity as (

    select * from {{ ref('capacity_asof').include(database=false) }}(as_of)

),

stages as (

    select
        capacity.symbol,
        1 as stage_number,
        'approved_power' as stage,
        'gross' as mw_basis,
        capacity.gross_power_mw as mw,
        capacity.gross_power_mw_is_complete as is_complete,
        capacity.gross_power_mw_coverage as coverage,
        capacity.site_source_urls as source_urls
    from capacity

    union all

    select
        capacity.symbol,
        2 as stage_number,
        'planned' as stage,
        'critical_it' as mw_basis,
        capacity.planned_critical_it_mw as mw,
        capacity.planned_critical_it_mw_is_complete as is_complete,
        capacity.planned_critical_it_mw_coverage as coverage,
        capacity.site_source_urls as source_urls
    from capacity

    union all

    select
        capacity.symbol,
        3 as stage_number,
        'leased' as stage,
        'critical_it' as mw_basis,
        capacity.contracted_critical_it_mw as mw,
        capacity.contracted_critical_it_mw_is_complete as is_complete,
        capacity.contracted_critical_it_mw_coverage as coverage,
        capacity.contracted_critical_it_mw_source_urls as source_urls
    from capacity

    union all

    select
        capacity.symbol,
        4 as stage_number,
        'live' as stage,
        'gross' as mw_basis,
        capacity.energized_gross_mw as mw,
        capacity.energized_gross_mw_is_complete as is_complete,
        capacity.energized_gross_mw_coverage as coverage,
        capacity.site_source_urls as source_urls
    from capacity

)

select * from stages
