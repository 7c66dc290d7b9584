{#-
    Whether a row of fct_company_positions answers for that day: it is the last one up to the day,
    or the first one and the day lies before all.
-#}
{% macro position_on(day, alias) -%}
    ({{ alias }}.position_date <= {{ day }} or {{ alias }}.is_first_day)
    and ({{ alias }}.next_position_date is null or {{ alias }}.next_position_date > {{ day }})
{%- endmacro %}


{#- what coins are worth: none are worth nothing, whether or not their price is known -#}
{% macro btc_value(btc_held, btc_close) -%}
    case when {{ btc_held }} = 0 then 0e0 else {{ btc_held }} * {{ btc_close }} end
{%- endmacro %}


{#-
    MW as a percentage of the power of a company in `relation`, null where no power is known. An IT MW takes at least one
    gross MW, so that for critical IT MW the percentage is a floor.
-#}
{% macro pct_of_power(mw, relation) -%}
    100.0 * {{ mw }} / nullif(greatest({{ relation }}.gross_power_mw, {{ relation }}.energized_gross_mw), 0)
{%- endmacro %}


{#- true where a value per MW is put on so few of a company's MW that it says nothing of the company -#}
{% macro is_fraction_of_company(mw_pct_of_power) -%}
    coalesce({{ mw_pct_of_power }} < {{ var('whole_company_mw_pct') }}, false)
{%- endmacro %}


{#-
    CTEs that end in `scenarios`: every published value per MW of the CTE `assumptions` applied
    to the `company_positions` of the companies it is meant for. The CTE `assumption_days`
    (as_of_date, position_day) says on which day's position each publication is read. MW of one
    kind are multiplied with dollars of that kind only; gross and critical IT MW are converted
    where the publication states the ratio, and nowhere else.
-#}
{% macro scenario_ctes() -%}
    assumption_values as (

        {%- for scenario in ['low', 'point', 'high'] %}
            select
                assumptions.*,
                '{{ scenario }}' as scenario,
                assumptions.usd_per_mw_{{ scenario }} as usd_per_mw
            from assumptions
            where assumptions.usd_per_mw_{{ scenario }} is not null
            {% if not loop.last %}union all{% endif %}
        {%- endfor %}

    ),

    -- the MW that a publication itself assumes for a company
    assumed_mw as (

        select
            assumptions.as_of_date,
            assumptions.source_firm,
            assumptions.mw_basis,
            assumptions.symbol,
            max(assumptions.assumed_mw) as assumed_mw
        from assumptions
        where assumptions.symbol is not null and assumptions.assumed_mw is not null
        group by
            assumptions.as_of_date,
            assumptions.source_firm,
            assumptions.mw_basis,
            assumptions.symbol
        having min(assumptions.assumed_mw) = max(assumptions.assumed_mw)

    ),

    applied as (

        select
            positions.*,
            assumption_values.as_of_date,
            assumption_values.source_firm,
            assumption_values.business,
            case when assumption_values.symbol is null then 'sector' else 'company' end
                as assumption_scope,
            assumption_values.assumption_type,
            assumption_values.value_basis,
            assumption_values.mw_basis,
            assumption_values.gross_per_critical_it_mw,
            case
                when assumption_values.symbol is null then assumed_mw.assumed_mw
                else assumption_values.assumed_mw
            end as assumed_mw,
            assumption_values.scenario,
            assumption_values.usd_per_mw,
            assumption_values.source_url as assumption_source_url,
            assumption_values.source_tier as assumption_source_tier
        from assumption_values
        inner join assumption_days on assumption_values.as_of_date = assumption_days.as_of_date
        inner join company_positions as positions
            on
                {{ position_on('assumption_days.position_day', 'positions') }}
                and (
                    assumption_values.symbol is null
                    or assumption_values.symbol = positions.symbol
                )
        left join assumed_mw
            on
                assumption_values.as_of_date = assumed_mw.as_of_date
                and assumption_values.source_firm = assumed_mw.source_firm
                and assumption_values.mw_basis = assumed_mw.mw_basis
                and positions.symbol = assumed_mw.symbol

    ),

    -- the MW of a company by how it has them; a figure that is not complete is not used
    capacities as (

        select
            symbol,
            position_date,
            'planned' as capacity_basis,
            2 as capacity_basis_order,
            case when planned_critical_it_mw_is_complete then planned_critical_it_mw end
                as known_critical_it_mw,
            cast(null as double) as known_gross_mw,
            planned_critical_it_mw_coverage as capacity_coverage,
            'gross MW of the plan not stated' as gross_mw_gap
        from company_positions

        union all

        select
            symbol,
            position_date,
            'contracted' as capacity_basis,
            3 as capacity_basis_order,
            case when contracted_critical_it_mw_is_complete then contracted_critical_it_mw end
                as known_critical_it_mw,
            contracted_gross_mw as known_gross_mw,
            contracted_critical_it_mw_coverage as capacity_coverage,
            'gross MW of the contracts not stated' as gross_mw_gap
        from company_positions

        union all

        -- as if all of the power became this business
        select
            symbol,
            position_date,
            'approved_power' as capacity_basis,
            4 as capacity_basis_order,
            cast(null as double) as known_critical_it_mw,
            case when gross_power_mw_is_complete then gross_power_mw end as known_gross_mw,
            gross_power_mw_coverage as capacity_coverage,
            gross_power_mw_coverage as gross_mw_gap
        from company_positions

    ),

    on_capacity as (

        select
            applied.*,
            'stated' as capacity_basis,
            1 as capacity_basis_order,
            case when applied.mw_basis = 'critical_it' then applied.assumed_mw end
                as known_critical_it_mw,
            case when applied.mw_basis = 'gross' then applied.assumed_mw end as known_gross_mw,
            case when applied.mw_basis = 'unstated' then applied.assumed_mw end
                as unstated_basis_mw,
            'complete' as capacity_coverage,
            cast(null as string) as gross_mw_gap
        from applied
        where applied.assumed_mw is not null

        union all

        select
            applied.*,
            capacities.capacity_basis,
            capacities.capacity_basis_order,
            capacities.known_critical_it_mw,
            capacities.known_gross_mw,
            cast(null as double) as unstated_basis_mw,
            capacities.capacity_coverage,
            capacities.gross_mw_gap
        from applied
        inner join capacities
            on
                applied.symbol = capacities.symbol
                and applied.position_date = capacities.position_date
        where
            -- the MW kept here are those of data centres: no value of land or of mining is put on them
            applied.business in ('colocation', 'cloud')
            and (
                capacities.capacity_basis <> 'approved_power'
                or applied.mw_basis = 'gross'
                or (
                    applied.mw_basis = 'critical_it'
                    and applied.gross_per_critical_it_mw is not null
                )
            )

    ),

    converted as (

        select
            on_capacity.*,
            case
                when on_capacity.mw_basis = 'critical_it'
                    then coalesce(
                        on_capacity.known_critical_it_mw,
                        on_capacity.known_gross_mw / on_capacity.gross_per_critical_it_mw
                    )
            end as critical_it_mw,
            case
                when on_capacity.mw_basis = 'gross'
                    then coalesce(
                        on_capacity.known_gross_mw,
                        on_capacity.known_critical_it_mw * on_capacity.gross_per_critical_it_mw
                    )
            end as gross_mw,
            case
                when
                    on_capacity.mw_basis = 'gross' and on_capacity.gross_per_critical_it_mw is null
                    then on_capacity.gross_mw_gap
                else on_capacity.capacity_coverage
            end as mw_gap
        from on_capacity

    ),

    grossed as (

        select
            converted.*,
            coalesce(
                converted.critical_it_mw, converted.gross_mw, converted.unstated_basis_mw
            )
            * converted.usd_per_mw as gross_value_usd
        from converted

    ),

    equity as (

        select
            grossed.*,
            case
                -- already what is left for shareholders: no debt is taken off twice
                when grossed.value_basis in ('equity', 'market') then grossed.gross_value_usd
                when grossed.value_basis = 'asset'
                    then grossed.gross_value_usd - grossed.net_debt_usd + grossed.btc_value_usd
            end as equity_value_usd,
            grossed.gross_value_usd - grossed.net_debt_usd + grossed.btc_value_usd
                as sum_of_parts_equity_value_usd
        from grossed

    ),

    -- the first reason why a value is missing or rests on outdated figures, else null
    scenario_gaps as (

        select
            equity.*,
            case
                when equity.mw_basis = 'unstated' and equity.capacity_basis <> 'stated'
                    then 'the publication does not say which MW'
                when equity.gross_value_usd is null then 'MW: ' || equity.mw_gap
                when equity.value_basis = 'unstated' then 'the publication does not say which value'
                when not equity.shares_is_complete then 'shares: ' || equity.shares_coverage
                when equity.value_basis = 'asset' and not equity.net_debt_is_complete
                    then 'net debt: ' || equity.net_debt_coverage
                when equity.value_basis = 'asset' and not equity.btc_is_complete
                    then 'bitcoin: ' || equity.btc_coverage
                when equity.close is null then 'no price'
            end as scenario_gap
        from equity

    ),

    scenarios as (

        select
            scenario_gaps.*,
            scenario_gaps.gross_value_usd / nullif(scenario_gaps.shares_outstanding, 0)
                as gross_value_per_share_usd,
            scenario_gaps.equity_value_usd / nullif(scenario_gaps.shares_outstanding, 0) as value_per_share_usd,
            scenario_gaps.sum_of_parts_equity_value_usd / nullif(scenario_gaps.shares_outstanding, 0)
                as sum_of_parts_value_per_share_usd,
            100.0
            * (scenario_gaps.equity_value_usd / nullif(scenario_gaps.shares_outstanding, 0) - scenario_gaps.close)
            / scenario_gaps.close as upside_pct,
            coalesce(scenario_gaps.scenario_gap, 'complete') as scenario_coverage,
            scenario_gaps.scenario_gap is null as scenario_is_complete,
            {{ pct_of_power(
                'coalesce(scenario_gaps.gross_mw,'
                ' scenario_gaps.critical_it_mw * coalesce(scenario_gaps.gross_per_critical_it_mw, 1))',
                'scenario_gaps'
            ) }} as mw_pct_of_power,
            -- the first basis whose MW are known speaks for the publication
            scenario_gaps.capacity_basis_order = coalesce(
                min(
                    case
                        when scenario_gaps.gross_value_usd is not null
                            then scenario_gaps.capacity_basis_order
                    end
                ) over same_publication,
                min(scenario_gaps.capacity_basis_order) over same_publication
            ) as is_first_choice
        from scenario_gaps
        window same_publication as (
            partition by
                scenario_gaps.symbol,
                scenario_gaps.as_of_date,
                scenario_gaps.source_firm,
                scenario_gaps.business
        )

    )
{%- endmacro %}


{#- a fraction that was written down, in percent: 0.07 is 7, without the tail of a binary number -#}
{% macro in_percent(fraction) -%}
    round(100.0 * {{ fraction }}, 6)
{%- endmacro %}
