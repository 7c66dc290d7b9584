{% set measures = [
    'power_contracted_mw',
    'power_energized_mw',
    'critical_it_mw_planned',
    'critical_it_mw_contracted',
] -%}

with

versions as (

    select * from {{ ref('int_site_capacity_versions') }}

),

facts as (

    {% for measure in measures %}
        select
            symbol,
            site,
            is_company_total,
            '{{ measure }}' as measure,
            -- a company total is stated at the company's share already
            case when is_company_total then {{ measure }} else {{ measure }} * owner_share end
                as amount_mw,
            reported_date,
            believed_from_date,
            believed_to_date,
            source_url,
            source_file,
            source_row
        from versions
        where {{ measure }} is not null
        {% if not loop.last %}
            union all
        {% endif %}
    {% endfor %}

)

select * from facts
