"""Stands in for dbt's `adapter` while SQL is linted: a dispatched macro becomes one plain column name.

Belongs here: only what sqlfluff needs to render templates without dbt.
"""

from collections.abc import Callable


def dispatch(macro_name: str, macro_namespace: str | None = None) -> Callable[..., str]:  # noqa: ARG001
    """A callable that renders as the macro's name."""
    return lambda *_arguments, **_options: macro_name
