"""Contracts of the curated facts: what each CSV in `reference/` must look like, and how its rows are checked.

Belongs here: one contract per file, named `curated__<file>`. Does not belong here: market data (`contracts.market`),
reading the files (`sources.curated`), or what a fact means for a valuation (the dbt models).

Every file is a snapshot: it holds all rows that stand. A changed row closes the version before it, a row taken out
is withdrawn, and both stay in the raw table, so that an as-of query still sees what was believed then.
"""

from __future__ import annotations

import datetime as dt

from dagster_project.contracts.base import (
    LINK,
    LINK_REASON,
    AtLeast,
    Column,
    Contract,
    EmptyWith,
    RequiredWith,
    RequiredWithout,
    Within,
)

EARLIEST = dt.date(2010, 1, 1)
"""No fact is older: bitcoin had no listed miner before."""
EARLIEST_PLAN, LATEST_PLAN = dt.date(2000, 1, 1), dt.date(2050, 12, 31)
"""First power or first rent of a site lies between these days."""
MOST_MW = 10_000
"""More than twice what any company of the list says it has, in megawatts."""
_DEAL_ID = r"[a-z0-9][a-z0-9\-]*"
TICKER = r"^[A-Z0-9][A-Z0-9.^=\-]{0,14}$"


def _company(description: str = "Company, as in companies.csv.", *, required: bool = True) -> Column:
    """The column that names a company of the reference list."""
    return Column("ticker", "varchar", description, required=required, references="companies")


def _source_url() -> Column:
    """The page where the figures of the row were seen; no row goes without it."""
    return Column(
        "source_url",
        "varchar",
        "Page where the figures were seen.",
        required=True,
        pattern=LINK,
        pattern_reason=LINK_REASON,
    )


def _share(description: str) -> Column:
    """A share of ownership in percent; a figure below 1 is a fraction by mistake."""
    return Column("owner_share_pct", "double", description, minimum=1, maximum=100)


COMPANIES = Contract(
    table="curated__companies",
    description="One row per listed miner or data-centre operator that the warehouse follows.",
    columns=(
        Column("ticker", "varchar", "Ticker.", required=True, pattern=TICKER),
        Column("company_name", "varchar", "Name, with the former one where it changed.", required=True),
        Column(
            "instrument_type",
            "varchar",
            "Whether the company mines bitcoin for itself (miner) or never did (data_centre_operator).",
            required=True,
            allowed=("miner", "data_centre_operator"),
        ),
        Column("trading_calendar", "varchar", "Calendar its shares trade on.", required=True, allowed=("XNYS",)),
        Column("cik", "varchar", "SEC number, ten digits.", required=True, pattern=r"^(?!0{10})\d{10}$"),
        Column("exchange", "varchar", "Where the shares are listed.", required=True),
        Column("country", "varchar", "Seat of the company.", required=True),
        Column(
            "fiscal_year_end",
            "varchar",
            "Last day of the fiscal year, MM-DD.",
            required=True,
            pattern=r"^(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))$",
            pattern_reason="is not a day of the year, MM-DD",
        ),
        Column(
            "filer_type",
            "varchar",
            "Which filing terms apply where a filing day was not seen (filing_deadlines.csv).",
            required=True,
            allowed=("domestic", "foreign"),
        ),
        Column("business_notes", "varchar", "What the company does, in a sentence."),
        _source_url(),
    ),
    key=("ticker",),
)

PEERS = Contract(
    table="curated__peers",
    description="One row per instrument that the companies are compared with: peers, funds, bitcoin.",
    columns=(
        Column("ticker", "varchar", "Ticker.", required=True, pattern=TICKER, none_of="companies"),
        Column("name", "varchar", "Name.", required=True),
        Column(
            "instrument_type",
            "varchar",
            "Kind of instrument.",
            required=True,
            allowed=("ai_cloud", "chip_maker", "index_fund", "bitcoin"),
        ),
        Column(
            "trading_calendar",
            "varchar",
            "Calendar it trades on: XNYS (New York sessions) or 24/7.",
            required=True,
            allowed=("XNYS", "24/7"),
        ),
        Column("exchange", "varchar", "Where it is listed; empty for bitcoin."),
        Column("country", "varchar", "Seat; empty for bitcoin."),
        _source_url(),
    ),
    key=("ticker",),
)

SOURCE_TIERS = Contract(
    table="curated__source_tiers",
    description="One row per pattern of web addresses and the tier of what is published there.",
    columns=(
        Column(
            "pattern",
            "varchar",
            "Domain, with its subdomains, and optionally the beginning of a path, in which * stands for anything.",
            required=True,
            pattern=r"^[a-z0-9][a-z0-9.\-]*\.[a-z]{2,}(?:/[^\s]*)?$",
        ),
        Column(
            "tier",
            "bigint",
            "1 filing or company release, 2 established news or data vendor, 3 secondary page.",
            required=True,
            minimum=1,
            maximum=3,
        ),
        Column("reason", "varchar", "Why it has this tier.", required=True),
    ),
    key=("pattern",),
)

HPC_DEALS = Contract(
    table="curated__hpc_deals",
    description="One row per announced HPC/AI contract; an expansion or exercised option is a row of its own.",
    columns=(
        Column("deal_id", "varchar", "Key of the contract.", required=True, pattern=rf"^{_DEAL_ID}$"),
        Column(
            "announced_date",
            "date",
            "Day of the announcement; empty where the day could not be found.",
            not_before=EARLIEST,
            not_in_future=True,
        ),
        _company(),
        Column("counterparty", "varchar", "Tenant or customer.", required=True),
        Column("end_user", "varchar", "Final user or guarantor, where known."),
        Column(
            "deal_type",
            "varchar",
            "colocation, lease (whole building or campus), cloud (the owner supplies the GPUs) or joint_venture.",
            required=True,
            allowed=("colocation", "lease", "cloud", "joint_venture"),
        ),
        Column(
            "commitment",
            "varchar",
            "firm (signed), conditional (signed, not yet effective), framework (no tenant contract), "
            "letter_of_intent (not binding) or option (the other side may take it).",
            required=True,
            allowed=("firm", "conditional", "framework", "letter_of_intent", "option"),
        ),
        _share("Share of the contract that belongs to the company, in percent; empty means all of it."),
        Column("site", "varchar", "Site."),
        Column("state_or_country", "varchar", "Where the site is."),
        Column("critical_it_mw", "double", "Power delivered to the IT equipment, MW.", minimum=1, maximum=MOST_MW),
        Column("gross_mw", "double", "Power at the meter, cooling included, MW.", minimum=1, maximum=MOST_MW),
        Column("contract_value_usd", "double", "Revenue of the base term, US dollars.", minimum=1e6, maximum=5e11),
        Column("term_years", "double", "Base term in years.", minimum=0.25, maximum=50),
        Column(
            "max_value_with_extensions_usd",
            "double",
            "Base term and all extension options, USD.",
            minimum=1e6,
            maximum=5e11,
        ),
        Column("backstop_party", "varchar", "Guarantor of the tenant's rent."),
        Column("backstop_usd", "double", "Amount guaranteed for this row, US dollars.", minimum=1e5, maximum=1e11),
        Column("capex_per_mw_usd", "double", "Landlord's cost per critical IT MW, USD.", minimum=1e5, maximum=1e8),
        Column(
            "warrant_shares",
            "double",
            "Shares under warrants that the company gave with the contract.",
            minimum=1,
            maximum=1e9,
        ),
        Column(
            "expected_start_date",
            "date",
            "First delivery or rent; to be read to the quarter.",
            not_before=EARLIEST_PLAN,
            not_after=LATEST_PLAN,
        ),
        Column("status", "varchar", "State of the contract as announced.", required=True),
        Column(
            "amends_deal_id",
            "varchar",
            "Contracts on whose MW a follow-on term or an amendment stands, '; ' apart: it adds value and years.",
            pattern=rf"^{_DEAL_ID}(?:; {_DEAL_ID})*$",
        ),
        Column(
            "ended_date",
            "date",
            "Day from which the contract is the company's no longer; empty while it stands.",
            not_before=EARLIEST,
            not_in_future=True,
        ),
        Column(
            "end_known_date",
            "date",
            "Day on which the end became public.",
            not_before=EARLIEST,
            not_in_future=True,
        ),
        Column(
            "end_reason",
            "varchar",
            "sold (the company's share), terminated, lapsed (never became effective) or replaced (by other terms).",
            allowed=("sold", "terminated", "lapsed", "replaced"),
        ),
        Column("superseded_by", "varchar", "Contract that replaces it.", pattern=rf"^{_DEAL_ID}$"),
        Column(
            "end_source_url",
            "varchar",
            "Page where the end was seen.",
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
        Column("end_notes", "varchar", "How it ended, in words."),
        _source_url(),
        Column("source_name", "varchar", "Publisher of that page."),
        Column("notes", "varchar", "What the figures leave out."),
    ),
    key=("deal_id",),
    rules=(
        AtLeast("gross_mw", "critical_it_mw", "critical IT MW is above gross MW"),
        AtLeast("max_value_with_extensions_usd", "contract_value_usd", "the base term is worth more than all terms"),
        RequiredWith("backstop_party", "backstop_usd", "an amount guaranteed by nobody"),
        EmptyWith(
            "critical_it_mw", "amends_deal_id", "a follow-on term adds no MW: leave them empty, or make it an expansion"
        ),
        EmptyWith(
            "gross_mw", "amends_deal_id", "a follow-on term adds no MW: leave them empty, or make it an expansion"
        ),
        RequiredWith("end_known_date", "ended_date", "an end without the day on which it became public"),
        RequiredWith("end_reason", "ended_date", "an end without its reason"),
        RequiredWith("end_source_url", "ended_date", "an end without its page"),
        RequiredWith("ended_date", "end_known_date", "the day of an end became public, and the end has no day"),
        RequiredWith("ended_date", "end_reason", "the reason of an end without its day"),
        RequiredWith("ended_date", "superseded_by", "a contract that is replaced has ended: give the day"),
        AtLeast("ended_date", "announced_date", "ended before it was announced"),
        AtLeast("end_known_date", "announced_date", "its end was public before it was announced"),
    ),
)

_LATER_TERMS = "|".join(
    column.name
    for column in HPC_DEALS.columns[HPC_DEALS.column_names.index("end_user") : HPC_DEALS.column_names.index("status")]
    if not column.required and column.name != "owner_share_pct"
)
"""What may become public of a contract after its announcement, and may be missing until then."""

HPC_DEALS_AS_ANNOUNCED = Contract(
    table="curated__hpc_deals_as_announced",
    description="One row per contract of which more became public later, and day of that: what was not public before.",
    columns=(
        Column("deal_id", "varchar", "Key of the contract.", required=True, pattern=rf"^{_DEAL_ID}$"),
        Column(
            "until_date",
            "date",
            "Day on which more became public; the row counts before that day.",
            required=True,
            not_before=EARLIEST,
            not_in_future=True,
        ),
        _company(),
        Column(
            "not_public",
            "varchar",
            "Columns of hpc_deals.csv that were not public yet, '; ' apart.",
            pattern=rf"^(?:{_LATER_TERMS})(?:; (?:{_LATER_TERMS}))*$",
            pattern_reason="names something else than terms of hpc_deals.csv that may be empty, '; ' apart",
        ),
        Column("counterparty", "varchar", "Tenant as it was called then; empty where it was named."),
        Column(
            "until_source_url",
            "varchar",
            "Page that told more.",
            required=True,
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
        _source_url(),
        Column("source_name", "varchar", "Publisher of that page."),
        Column("notes", "varchar", "What was told then, and how the day is known."),
    ),
    key=("deal_id", "until_date"),
    rules=(RequiredWithout("not_public", "counterparty", "everything was public: no need of the row"),),
)

SITES_CAPACITY = Contract(
    table="curated__sites_capacity",
    description="One row per site (or company total) and day of the report on its power.",
    columns=(
        _company(),
        Column(
            "site",
            "varchar",
            "Site, or '(company total)'.",
            required=True,
            pattern=r"^(?:\(company total\)|(?!.*(?i:company\W*total)).+)$",
            pattern_reason="reads like the company total: write it '(company total)', or it counts as one more site",
        ),
        Column("state_or_country", "varchar", "Where the site is."),
        Column("as_of_date", "date", "Day of the report.", required=True, not_before=EARLIEST, not_in_future=True),
        Column("power_contracted_mw", "double", "Approved or contracted power, MW gross.", minimum=0, maximum=MOST_MW),
        Column("power_energized_mw", "double", "Power that is live, MW gross.", minimum=0, maximum=MOST_MW),
        Column("critical_it_mw_planned", "double", "Planned critical IT load, MW.", minimum=0, maximum=MOST_MW),
        Column("critical_it_mw_contracted", "double", "Leased critical IT load, MW.", minimum=0, maximum=MOST_MW),
        Column(
            "use",
            "varchar",
            "What the power is used for.",
            required=True,
            allowed=("mining", "hpc", "mixed", "development"),
        ),
        _share("Share of the site that belongs to the company, in percent; empty means all of it."),
        Column(
            "energization_date",
            "date",
            "First power or first delivery, expected or actual.",
            not_before=EARLIEST_PLAN,
            not_after=LATEST_PLAN,
        ),
        _source_url(),
        Column("notes", "varchar", "What the figures leave out."),
    ),
    key=("ticker", "site", "as_of_date"),
    rules=(
        AtLeast("power_contracted_mw", "power_energized_mw", "more power live than contracted"),
        AtLeast("power_contracted_mw", "critical_it_mw_contracted", "critical IT MW leased is above gross MW"),
        AtLeast("critical_it_mw_planned", "critical_it_mw_contracted", "more critical IT MW leased than planned"),
    ),
)

RATING_CHANGES = Contract(
    table="curated__rating_changes",
    description="One row per analyst firm, company and day of a rating or price target.",
    columns=(
        Column("rating_date", "date", "Day of the note.", required=True, not_before=EARLIEST, not_in_future=True),
        _company(),
        Column("firm", "varchar", "Analyst firm.", required=True),
        Column(
            "action",
            "varchar",
            "What changed; a change of rating wins over a change of target.",
            required=True,
            allowed=("upgrade", "downgrade", "target_raise", "target_cut", "initiate", "reiterate"),
        ),
        Column("from_rating", "varchar", "Rating before, in the firm's words."),
        Column("to_rating", "varchar", "Rating after, in the firm's words.", required=True),
        Column("price_target_prior", "double", "Price target before, US dollars.", minimum=0.1, maximum=10000),
        Column("price_target_new", "double", "Price target after, US dollars.", minimum=0.1, maximum=10000),
        _source_url(),
        Column("notes", "varchar", "What is uncertain."),
    ),
    key=("rating_date", "ticker", "firm"),
)

RATING_SCALE = Contract(
    table="curated__rating_scale",
    description="One row per word that analyst firms use for a rating, on one scale of five points.",
    columns=(
        Column("rating", "varchar", "The word, in lower case.", required=True, pattern=r"^[a-z][a-z \-]*$"),
        Column("score", "bigint", "5 best, 3 in the middle, 1 worst.", required=True, minimum=1, maximum=5),
        Column("reason", "varchar", "Why it has this score.", required=True),
    ),
    key=("rating",),
)

SYMBOL_CHANGES = Contract(
    table="curated__symbol_changes",
    description="One row per other ticker of a company: the prices under it belong to the company's one series.",
    columns=(
        Column("other_ticker", "varchar", "The other ticker.", required=True, pattern=TICKER, none_of="instruments"),
        _company("The ticker that the warehouse keeps, as in companies.csv."),
        _source_url(),
        Column("reason", "varchar", "What happened.", required=True),
    ),
    key=("other_ticker",),
)

ACCEPTED_FINDINGS = Contract(
    table="curated__accepted_findings",
    description="One row per implausible thing that a person looked at and found to be really so.",
    columns=(
        Column(
            "rule",
            "varchar",
            "Rule that found it, as in the column `rule` of the findings.",
            required=True,
            pattern=r"^[a-z][a-z_]*$",
            pattern_reason="is not the name of a rule: lower case and underscores",
        ),
        Column("ticker", "varchar", "Ticker it was found at.", required=True, pattern=TICKER),
        Column(
            "found_date",
            "date",
            "Day it was found at, as in the findings.",
            required=True,
            not_before=dt.date(1900, 1, 1),
            not_after=LATEST_PLAN,
        ),
        Column("subject", "varchar", "Deal, site or firm, as in the findings; empty accepts all of that day."),
        Column("reason", "varchar", "Why it is really so.", required=True),
    ),
    key=("rule", "ticker", "found_date", "subject"),
)

FIRM_ALIASES = Contract(
    table="curated__firm_aliases",
    description="One row per other name of an analyst firm.",
    columns=(
        Column("alias", "varchar", "The other name; case does not matter.", required=True),
        Column("firm", "varchar", "The name that the marts show.", required=True),
        Column("reason", "varchar", "What the other name is.", required=True),
    ),
    key=("alias",),
)

MW_VALUATION_ASSUMPTIONS = Contract(
    table="curated__mw_valuation_assumptions",
    description="One row per published value per MW: day, firm, business and company (or the sector).",
    columns=(
        Column("as_of_date", "date", "Day of the publication.", required=True, not_before=EARLIEST, not_in_future=True),
        Column("source_firm", "varchar", "Who published it.", required=True),
        Column(
            "business",
            "varchar",
            "colocation, cloud, powered_land (power and land without a tenant) or mining.",
            required=True,
            allowed=("colocation", "cloud", "powered_land", "mining"),
        ),
        _company("Company the figure is meant for; empty for the whole sector.", required=False),
        Column(
            "assumption_type",
            "varchar",
            "valuation, transaction (a price paid), observation (a market average) or superseded (an older level).",
            required=True,
            allowed=("valuation", "transaction", "observation", "superseded"),
        ),
        Column(
            "value_basis",
            "varchar",
            "What the dollars are: equity (after debt), asset (before debt), market (market value) or unstated.",
            required=True,
            allowed=("equity", "asset", "market", "unstated"),
        ),
        Column(
            "mw_basis",
            "varchar",
            "What the MW are: critical_it, gross or unstated.",
            required=True,
            allowed=("critical_it", "gross", "unstated"),
        ),
        Column(
            "gross_per_critical_it_mw",
            "double",
            "Gross MW per critical IT MW, only where the publication states it.",
            minimum=1,
            maximum=3,
        ),
        Column("usd_per_mw_low", "double", "Low end, US dollars per MW.", minimum=1e5, maximum=1e8),
        Column("usd_per_mw_high", "double", "High end, US dollars per MW.", minimum=1e5, maximum=1e8),
        Column("usd_per_mw_point", "double", "Single figure, US dollars per MW.", minimum=1e5, maximum=1e8),
        Column("discount_rate", "double", "Discount or capitalisation rate, as a fraction.", minimum=0.01, maximum=0.5),
        Column("assumed_mw", "double", "MW behind the figure.", above=0, maximum=MOST_MW),
        Column("notes", "varchar", "What the figure means, in words."),
        _source_url(),
    ),
    key=("as_of_date", "source_firm", "business", "ticker"),
    rules=(
        AtLeast("usd_per_mw_high", "usd_per_mw_low", "the high end is below the low end"),
        AtLeast("usd_per_mw_high", "usd_per_mw_point", "the single figure is above the high end"),
        AtLeast("usd_per_mw_point", "usd_per_mw_low", "the single figure is below the low end"),
    ),
)

CAPITAL_STRUCTURE = Contract(
    table="curated__capital_structure",
    description="One row per company and period end: shares, cash, debt and bitcoin as reported.",
    columns=(
        _company(),
        Column("as_of_date", "date", "End of the period.", required=True, not_before=EARLIEST, not_in_future=True),
        Column("filed_date", "date", "Day of the filing or of the results.", not_before=EARLIEST, not_in_future=True),
        Column(
            "filed_time",
            "varchar",
            "Time of the filing, HH:MM in New York; at or after the close it counts from the next session.",
            pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$",
            pattern_reason="is not a time of the day in New York, HH:MM",
        ),
        Column(
            "form",
            "varchar",
            "Form of the filing; empty where only a release or press page was seen.",
            allowed=("10-Q", "10-K", "20-F", "40-F", "6-K", "8-K", "market data"),
        ),
        Column("shares_outstanding", "bigint", "Basic shares, all classes.", minimum=1_000_000, maximum=20_000_000_000),
        Column("shares_as_of_date", "date", "Day the share count stands for.", not_before=EARLIEST, not_in_future=True),
        Column(
            "diluted_shares",
            "bigint",
            "Weighted average diluted shares of the period.",
            minimum=1_000_000,
            maximum=20_000_000_000,
        ),
        Column("cash_usd", "double", "Unrestricted cash and equivalents, US dollars.", minimum=0, maximum=2e11),
        Column("debt_usd", "double", "Notes, converts and loans, US dollars; 0 means none.", minimum=0, maximum=2e11),
        Column("btc_held", "double", "Bitcoin held, coins.", minimum=0, maximum=1e6),
        _source_url(),
        Column(
            "source_url_shares",
            "varchar",
            "Page of the share count, where it is another.",
            pattern=LINK,
            pattern_reason=LINK_REASON,
        ),
        Column("notes", "varchar", "What the figures leave out."),
    ),
    key=("ticker", "as_of_date"),
    rules=(
        AtLeast("filed_date", "as_of_date", "filed before the period ended"),
        RequiredWith("filed_date", "filed_time", "a time of filing without its day"),
        RequiredWith("shares_outstanding", "shares_as_of_date", "day of a share count without the count"),
    ),
)

FILING_DEADLINES = Contract(
    table="curated__filing_deadlines",
    description="One row per kind of filer and period: how long after the period end a report may be filed.",
    columns=(
        Column("filer_type", "varchar", "domestic or foreign.", required=True, allowed=("domestic", "foreign")),
        Column("period", "varchar", "quarter or year.", required=True, allowed=("quarter", "year")),
        Column("months_after_period_end", "bigint", "Term in months.", above=0, maximum=12),
        Column("days_after_period_end", "bigint", "Term in days.", above=0, maximum=365),
        Column("filer_class", "varchar", "Class of the filer within its type.", required=True),
        Column("used_for_estimate", "boolean", "Whether a missing filing day is estimated by it.", required=True),
        Column("reason", "varchar", "What the term is, and why it is used.", required=True),
        _source_url(),
    ),
    key=("filer_type", "period", "filer_class"),
    rules=(
        RequiredWithout("days_after_period_end", "months_after_period_end", "a term in neither months nor days"),
        EmptyWith("days_after_period_end", "months_after_period_end", "a term in months and in days: which one holds?"),
    ),
)

LEASE_DCF_ASSUMPTIONS = Contract(
    table="curated__lease_dcf_assumptions",
    description="One row per parameter and value of the grid on which leases are discounted.",
    columns=(
        Column(
            "parameter",
            "varchar",
            "discount_rate and operating_margin are fractions, the build cost is in US dollars.",
            required=True,
            allowed=(
                "discount_rate",
                "operating_margin",
                "build_cost_usd_per_critical_it_mw",
                "cap_rate",
                "loan_rate",
                "loan_share_of_cost",
            ),
        ),
        Column("value", "double", "The value.", required=True, above=0, maximum=1e8),
        Column(
            "origin",
            "varchar",
            "published, or own_grid for a step that nobody published.",
            required=True,
            allowed=("published", "own_grid"),
        ),
        Column("reason", "varchar", "Whose figure it is, or why the step is there.", required=True),
        _source_url(),
    ),
    key=("parameter", "value"),
    rules=(
        Within("value", 0.01, 0.5, "parameter", "discount_rate", "a discount rate is a fraction from 0.01 to 0.5"),
        Within("value", 0.01, 0.2, "parameter", "cap_rate", "a capitalisation rate is a fraction from 0.01 to 0.2"),
        Within("value", 0.001, 0.3, "parameter", "loan_rate", "a rate of interest is a fraction from 0.001 to 0.3"),
        Within("value", 0.01, 0.95, "parameter", "loan_share_of_cost", "a share is a fraction from 0.01 to 0.95"),
        Within("value", 0.1, 1, "parameter", "operating_margin", "an operating margin is a fraction from 0.1 to 1"),
        Within(
            "value",
            1e6,
            1e8,
            "parameter",
            "build_cost_usd_per_critical_it_mw",
            "building a critical IT MW costs from 1 to 100 million US dollars",
        ),
    ),
)

PUBLISHED_TOTALS = Contract(
    table="curated__published_totals",
    description="One row per total that a company or an analyst firm published, or of parts that it published.",
    columns=(
        Column("as_of_date", "date", "Day of the publication.", required=True, not_before=EARLIEST, not_in_future=True),
        Column("publisher", "varchar", "Who published it.", required=True),
        Column(
            "tickers",
            "varchar",
            "Companies it speaks of, '; ' apart.",
            required=True,
            pattern=rf"{TICKER.rstrip('$')}(?:; {TICKER.strip('^$')})*$",
        ),
        Column(
            "announced_from_date",
            "date",
            "First day of the announcements it counts; empty means all up to its day.",
            not_before=EARLIEST,
            not_in_future=True,
        ),
        Column(
            "measure",
            "varchar",
            "contract_value_usd (base terms) or critical_it_mw.",
            required=True,
            allowed=("contract_value_usd", "critical_it_mw"),
        ),
        Column(
            "share_basis",
            "varchar",
            "whole (whole contracts) or owned (the company's share of ventures).",
            required=True,
            allowed=("whole", "owned"),
        ),
        Column(
            "total_basis",
            "varchar",
            "stated (the page gives the total) or sum_of_parts (our sum of the parts that the publisher states).",
            required=True,
            allowed=("stated", "sum_of_parts"),
        ),
        Column("published_value", "double", "The total.", required=True, above=0, maximum=1e13),
        Column("tolerance_pct", "double", "Difference that the reason explains.", required=True, minimum=0, maximum=50),
        Column(
            "difference_reason", "varchar", "Why ours may differ, and of which parts a sum is; empty: no reason to."
        ),
        _source_url(),
    ),
    key=("as_of_date", "publisher", "tickers", "measure"),
    rules=(AtLeast("as_of_date", "announced_from_date", "it counts from a day after its own"),),
)

CURATED_CONTRACTS: tuple[Contract, ...] = (
    COMPANIES,
    PEERS,
    SOURCE_TIERS,
    SYMBOL_CHANGES,
    HPC_DEALS,
    HPC_DEALS_AS_ANNOUNCED,
    SITES_CAPACITY,
    RATING_CHANGES,
    RATING_SCALE,
    FIRM_ALIASES,
    ACCEPTED_FINDINGS,
    MW_VALUATION_ASSUMPTIONS,
    CAPITAL_STRUCTURE,
    FILING_DEADLINES,
    LEASE_DCF_ASSUMPTIONS,
    PUBLISHED_TOTALS,
)
