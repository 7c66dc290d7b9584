{#-
    CTEs that end in `positions`: what is known of a company on a day, valued at a close. They
    read the CTEs `capital_known`, `capacity_known` and `dated` (symbol, position_date,
    price_date, close, price_source, btc_close). A missing input leaves a null and its reason in a
    coverage column.
-#}
{% macro position_ctes() -%}
    known_on_day as (

        select
            dated.symbol,
            dated.position_date,
            dated.price_date,
            dated.close,
            dated.price_source,
            dated.btc_close,
            capital_known.shares_outstanding,
            capital_known.shares_outstanding_as_of_date,
            capital_known.shares_outstanding_known_date,
            capital_known.shares_outstanding_source_url,
            capital_known.diluted_shares,
            capital_known.cash_usd,
            capital_known.cash_usd_as_of_date,
            capital_known.cash_usd_source_url,
            capital_known.debt_usd,
            capital_known.debt_usd_as_of_date,
            capital_known.debt_usd_source_url,
            capital_known.net_debt_usd,
            capital_known.btc_held,
            capital_known.btc_held_as_of_date,
            capital_known.btc_held_source_url,
            capital_known.known_date_is_estimated,
            coalesce(capital_known.shares_coverage, 'no report known') as shares_coverage,
            coalesce(capital_known.shares_is_complete, false) as shares_is_complete,
            coalesce(capital_known.net_debt_coverage, 'no report known') as net_debt_coverage,
            coalesce(capital_known.net_debt_is_complete, false) as net_debt_is_complete,
            case
                when capital_known.symbol is null then 'no report known'
                when capital_known.btc_held > 0 and dated.btc_close is null then 'no bitcoin price'
                else capital_known.btc_coverage
            end as btc_coverage,
            coalesce(
                capital_known.btc_is_complete
                and (capital_known.btc_held = 0 or dated.btc_close is not null),
                false
            ) as btc_is_complete,
            capacity_known.contracted_critical_it_mw,
            coalesce(capacity_known.contracted_critical_it_mw_coverage, 'no contract known')
                as contracted_critical_it_mw_coverage,
            coalesce(capacity_known.contracted_critical_it_mw_is_complete, false)
                as contracted_critical_it_mw_is_complete,
            capacity_known.contracted_gross_mw,
            capacity_known.planned_critical_it_mw,
            coalesce(capacity_known.planned_critical_it_mw_coverage, 'not stated')
                as planned_critical_it_mw_coverage,
            coalesce(capacity_known.planned_critical_it_mw_is_complete, false)
                as planned_critical_it_mw_is_complete,
            capacity_known.gross_power_mw,
            coalesce(capacity_known.gross_power_mw_coverage, 'not stated')
                as gross_power_mw_coverage,
            coalesce(capacity_known.gross_power_mw_is_complete, false)
                as gross_power_mw_is_complete,
            capacity_known.energized_gross_mw,
            coalesce(capacity_known.deals, 0) as deals,
            coalesce(capacity_known.deals_without_value, 0) as deals_without_value,
            capacity_known.last_deal_date,
            capacity_known.contracted_revenue_usd,
            coalesce(capacity_known.contracted_revenue_coverage, 'no contract known')
                as contracted_revenue_coverage,
            coalesce(capacity_known.contracted_revenue_is_complete, false)
                as contracted_revenue_is_complete,
            capacity_known.site_source_urls,
            capacity_known.deal_source_urls
        from dated
        left join capital_known
            on
                dated.symbol = capital_known.symbol
                and dated.position_date >= capital_known.known_from_date
                and (
                    capital_known.known_to_date is null
                    or dated.position_date < capital_known.known_to_date
                )
        left join capacity_known
            on
                dated.symbol = capacity_known.symbol
                and dated.position_date >= capacity_known.known_from_date
                and (
                    capacity_known.known_to_date is null
                    or dated.position_date < capacity_known.known_to_date
                )

    ),

    valued as (

        select
            known_on_day.*,
            known_on_day.close * known_on_day.shares_outstanding as market_cap_usd,
            known_on_day.close * known_on_day.diluted_shares as diluted_market_cap_usd,
            case
                when known_on_day.btc_held = 0 then 0.0
                else known_on_day.btc_held * known_on_day.btc_close
            end as btc_value_usd
        from known_on_day

    ),

    positions as (

        select
            valued.*,
            valued.market_cap_usd + valued.net_debt_usd as enterprise_value_usd,
            valued.market_cap_usd + valued.net_debt_usd - valued.btc_value_usd
                as enterprise_value_ex_btc_usd,
            case
                when valued.contracted_critical_it_mw_is_complete
                    then (valued.market_cap_usd + valued.net_debt_usd)
                        / nullif(valued.contracted_critical_it_mw, 0)
            end as ev_per_critical_it_mw_usd,
            case
                when valued.planned_critical_it_mw_is_complete
                    then (valued.market_cap_usd + valued.net_debt_usd)
                        / nullif(valued.planned_critical_it_mw, 0)
            end as ev_per_planned_critical_it_mw_usd,
            case
                when valued.gross_power_mw_is_complete
                    then (valued.market_cap_usd + valued.net_debt_usd)
                        / nullif(valued.gross_power_mw, 0)
            end as ev_per_gross_mw_usd,
            (valued.market_cap_usd + valued.net_debt_usd) / nullif(valued.energized_gross_mw, 0)
                as ev_per_energized_gross_mw_usd,
            case
                when valued.contracted_revenue_is_complete
                    then (valued.market_cap_usd + valued.net_debt_usd)
                        / nullif(valued.contracted_revenue_usd, 0)
            end as ev_to_contracted_revenue,
            case
                when valued.close is null then 'no price'
                when not valued.shares_is_complete then valued.shares_coverage
                else valued.net_debt_coverage
            end as enterprise_value_coverage,
            valued.close is not null and valued.shares_is_complete and valued.net_debt_is_complete
                as enterprise_value_is_complete
        from valued

    )
{%- endmacro %}


{#-
    CTEs that end in `scenarios`: every published value per MW of the CTE `assumptions` applied
    to the `positions` of the companies it is meant for. The CTE `assumption_days` (as_of_date,
    position_date) says on which day's position each publication is read. MW of one kind are
    multiplied with dollars of that kind only; gross and critical IT MW are converted where the
    publication states the ratio, and nowhere else.
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
            case
                when positions.planned_critical_it_mw_is_complete
                    then positions.planned_critical_it_mw
            end as stated_planned_critical_it_mw,
            case
                when positions.gross_power_mw_is_complete then positions.gross_power_mw
            end as stated_gross_power_mw,
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
        inner join positions
            on
                assumption_days.position_date = positions.position_date
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

    on_capacity as (

        select
            applied.*,
            'stated' as capacity_basis,
            case when applied.mw_basis = 'critical_it' then applied.assumed_mw end
                as critical_it_mw,
            case when applied.mw_basis = 'gross' then applied.assumed_mw end as gross_mw,
            case when applied.mw_basis = 'unstated' then applied.assumed_mw end
                as unstated_basis_mw,
            'complete' as capacity_coverage
        from applied
        where applied.assumed_mw is not null

        union all

        select
            applied.*,
            'contracted' as capacity_basis,
            case
                when
                    applied.mw_basis = 'critical_it'
                    and applied.contracted_critical_it_mw_is_complete
                    then applied.contracted_critical_it_mw
                when applied.mw_basis = 'critical_it'
                    then applied.contracted_gross_mw / applied.gross_per_critical_it_mw
            end as critical_it_mw,
            case
                when applied.mw_basis = 'gross' and applied.contracted_gross_mw is not null
                    then applied.contracted_gross_mw
                when
                    applied.mw_basis = 'gross'
                    and applied.contracted_critical_it_mw_is_complete
                    then applied.contracted_critical_it_mw * applied.gross_per_critical_it_mw
            end as gross_mw,
            cast(null as double) as unstated_basis_mw,
            case
                when applied.mw_basis = 'gross' and applied.gross_per_critical_it_mw is null
                    then 'gross MW of the contracts not stated'
                else applied.contracted_critical_it_mw_coverage
            end as capacity_coverage
        from applied
        -- the MW kept here are those of data centres: no value of land or of mining is put on them
        where applied.business in ('colocation', 'cloud')

        union all

        select
            applied.*,
            'planned' as capacity_basis,
            case
                when applied.mw_basis = 'critical_it' then applied.stated_planned_critical_it_mw
            end as critical_it_mw,
            case
                when applied.mw_basis = 'gross'
                    then applied.stated_planned_critical_it_mw * applied.gross_per_critical_it_mw
            end as gross_mw,
            cast(null as double) as unstated_basis_mw,
            case
                when applied.mw_basis = 'gross' and applied.gross_per_critical_it_mw is null
                    then 'gross MW of the plan not stated'
                else applied.planned_critical_it_mw_coverage
            end as capacity_coverage
        from applied
        where applied.business in ('colocation', 'cloud')

        union all

        -- as if all of the power became this business
        select
            applied.*,
            'approved_power' as capacity_basis,
            case
                when applied.mw_basis = 'critical_it'
                    then applied.stated_gross_power_mw / applied.gross_per_critical_it_mw
            end as critical_it_mw,
            case when applied.mw_basis = 'gross' then applied.stated_gross_power_mw end as gross_mw,
            cast(null as double) as unstated_basis_mw,
            applied.gross_power_mw_coverage as capacity_coverage
        from applied
        where
            applied.business in ('colocation', 'cloud')
            and (
                applied.mw_basis = 'gross'
                or (
                    applied.mw_basis = 'critical_it'
                    and applied.gross_per_critical_it_mw is not null
                )
            )

    ),

    grossed as (

        select
            on_capacity.*,
            coalesce(
                on_capacity.critical_it_mw, on_capacity.gross_mw, on_capacity.unstated_basis_mw
            )
            * on_capacity.usd_per_mw as gross_value_usd
        from on_capacity

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
                when equity.gross_value_usd is null then 'MW: ' || equity.capacity_coverage
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
            scenario_gaps.scenario_gap is null as scenario_is_complete
        from scenario_gaps

    )
{%- endmacro %}
