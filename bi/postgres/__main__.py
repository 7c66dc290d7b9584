"""`python -m bi.postgres`: publish the marts to the PostgreSQL database of `MINEHOUSE_POSTGRES_URL`.

Belongs here: the command, its table and its errors. Does not belong here: the publishing.
"""

from __future__ import annotations

import sys
import time

from bi.postgres.publish import READER, ServingError, publish
from bi.published import NotPublishedError
from dagster_project.output import end_with_reader
from dagster_project.settings import SettingsError, load_settings


def main() -> int:
    """Publish and return the exit code: 0 all well, 1 not published (the old copy stands), 2 a wrong setting."""
    try:
        settings = load_settings()
    except SettingsError as error:
        return _fail(error, code=2)
    if settings.postgres_url is None:
        return _fail("MINEHOUSE_POSTGRES_URL is not set: postgresql://user:password@host:5432/database", code=2)
    started = time.monotonic()
    try:
        rows = publish(settings.published_database, settings.postgres_url)
    except (NotPublishedError, ServingError) as error:
        return _fail(error, code=1)
    width = max(map(len, rows))
    for table, count in rows.items():
        print(f"{table:<{width}} {count:>9,}")
    seconds = time.monotonic() - started
    print(
        f"\n{len(rows)} tables, {sum(rows.values()):,} rows in schema marts, "
        f"readable for role {READER}, in {seconds:.1f} s"
    )
    return 0


def _fail(problem: object, code: int) -> int:
    print(f"error: {problem}", file=sys.stderr)
    return code


if __name__ == "__main__":
    end_with_reader()
    sys.exit(main())
