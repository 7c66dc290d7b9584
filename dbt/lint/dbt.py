"""Stands in for dbt's own cross-engine macros while SQL is linted: each becomes one plain column name.

Belongs here: only what sqlfluff needs to render templates without dbt.
"""

from collections.abc import Callable


def __getattr__(macro_name: str) -> Callable[..., str]:
    """A callable that renders as the macro's name."""
    return lambda *_arguments, **_options: macro_name
