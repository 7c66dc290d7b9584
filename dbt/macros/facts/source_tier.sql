{#-
    CTEs that end in `url_tiers`: the tier of every web address in those columns of `relation`.
    They read a CTE `source_tiers`. The longest matching pattern wins; an address that no
    pattern covers is a secondary page (3).
-#}
{% macro url_tier_ctes(relation, columns=['source_url']) -%}
    tier_patterns as (

        select
            tier,
            length(pattern) as pattern_length,
            split_part(pattern, '/', 1) as pattern_host,
            -- in a pattern only * is special, so what `like` would take for a wildcard is escaped
            replace(
                replace(
                    replace(substr(pattern, length(split_part(pattern, '/', 1)) + 1), '_', '!_'),
                    '%',
                    '!%'
                ),
                '*',
                '%'
            ) || '%' as pattern_path
        from source_tiers

    ),

    addresses as (

        {%- for column in columns %}
            select {{ column }} as address from {{ relation }} where {{ column }} is not null
            {% if not loop.last %}union{% endif %}
        {%- endfor %}

    ),

    split_addresses as (

        select distinct
            address,
            split_part(split_part(lower(split_part(address, '://', 2)), '/', 1), ':', 1) as host,
            substr(
                lower(split_part(address, '://', 2)),
                length(split_part(lower(split_part(address, '://', 2)), '/', 1)) + 1
            ) as path
        from addresses

    ),

    matching_tiers as (

        select
            split_addresses.address,
            tier_patterns.tier,
            row_number() over (
                partition by split_addresses.address
                order by tier_patterns.pattern_length desc, tier_patterns.tier
            ) as match_rank
        from split_addresses
        inner join tier_patterns
            on
                (
                    split_addresses.host = tier_patterns.pattern_host
                    or split_addresses.host like '%.' || tier_patterns.pattern_host
                )
                and split_addresses.path like tier_patterns.pattern_path escape '!'

    ),

    url_tiers as (

        select
            split_addresses.address,
            coalesce(matching_tiers.tier, 3) as tier
        from split_addresses
        left join matching_tiers
            on split_addresses.address = matching_tiers.address and matching_tiers.match_rank = 1

    )
{%- endmacro %}
