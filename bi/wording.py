"""The words of the codes in the marts: `joint_venture` is joint venture.

Belongs here: codes that read otherwise than with a space for each underscore. Does not belong here: what a column is
called, and which page shows it.
"""

from __future__ import annotations

import re

_WORDS = {
    "critical_it": "critical IT",
    "hpc": "HPC",
    "unstated": "not stated",
    "approved_power": "all approved power",
    "stated": "as the publication assumes",
    "upgrade": "upgraded",
    "downgrade": "downgraded",
    "initiate": "coverage started",
    "reiterate": "rating kept",
    "target_raise": "target raised",
    "target_cut": "target cut",
    "btc": "bitcoin held",
    "contracted_critical_it_mw": "contracted critical IT MW",
    "planned_critical_it_mw": "planned critical IT MW",
    "gross_power_mw": "power, gross MW",
    "energized_gross_mw": "live power, gross MW",
    "scenario": "scenario a share",
    "ev_per_critical_it_mw": "EV per contracted critical IT MW",
    "ERROR": "blocking",
    "WARN": "warning",
    "dbt": "dbt test",
    "dagster": "Dagster",
    "great_expectations": "Great Expectations",
    "gate": "gate of a batch",
}
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")


def in_words(code: object) -> str:
    """What a code says to a reader."""
    said = str(code)
    return _WORDS.get(said, said.replace("_", " "))


def is_code(text: str) -> bool:
    """Whether a text is a code: small letters with underscores, or one of those that have words of their own."""
    return text in _WORDS or _CODE.fullmatch(text) is not None
