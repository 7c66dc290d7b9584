"""Stands in for dbt's `adapter` while SQL is linted: a dispatched macro becomes one plain column name, or a call.

Belongs here: only what sqlfluff needs to render templates without dbt.
"""

from collections.abc import Callable


def dispatch(macro_name: str, macro_namespace: str | None = None) -> Callable[..., str]:  # noqa: ARG001
    """A callable that renders as the macro's name, and as a function where `over` follows."""
    rendered = f"{macro_name}(x)" if macro_name == "ignoring_nulls" else macro_name
    return lambda *_arguments, **_options: rendered
