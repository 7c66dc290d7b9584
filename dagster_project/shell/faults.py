"""What a person is told when the machine, and not the data, is in the way: one sentence, and no traceback.

Belongs here: from an exception to what happened, what is safe and what mends it. Does not belong here: faults of the
data, which checks report.
"""

from __future__ import annotations

import errno
import re
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator

from dagster_project.runs.lock import NotOurTurnError
from dagster_project.settings import Settings, SettingsError
from dagster_project.transform.dbt_calls import DbtRunError
from dagster_project.warehouse.connection import WarehouseLockedError, is_damaged, tells_of_damage

SAFE = "what is published stands as it was"

_ANOTHER = "or choose another folder with MINEHOUSE_DATA_DIR"
_MAKE_WRITABLE = f"make it writable, {_ANOTHER}"
_MOVE_AWAY = f"move it away, {_ANOTHER}"
_DISK = {
    errno.EDQUOT: ("the disk quota is used up", f"free some space, {_ANOTHER}"),
    errno.EROFS: ("the disk is read-only", _MAKE_WRITABLE),
    errno.EACCES: ("this user may not write there", _MAKE_WRITABLE),
    errno.EPERM: ("this user may not write there", _MAKE_WRITABLE),
    errno.ENOENT: ("it is not there, and cannot be made there", _ANOTHER.removeprefix("or ")),
    errno.ENOTDIR: ("a file stands where a folder is needed", _MOVE_AWAY),
    errno.EEXIST: ("a file stands where a folder is needed", _MOVE_AWAY),
    errno.EISDIR: ("a folder stands where a file is needed", _MOVE_AWAY),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter folder with MINEHOUSE_DATA_DIR"),
    errno.ELOOP: ("a link leads to itself", _MOVE_AWAY),
    errno.EIO: ("the disk reports an error", f"look after the disk, {_ANOTHER}"),
    errno.EMFILE: ("too many files are open", "allow more with `ulimit -n 4096`, and start again"),
    errno.ENFILE: ("too many files are open on this machine", "end other programs, and start again"),
}
"""What happened, and what mends it."""

_ROOM_FOR_A_LOG = 2**20
"""SQLite says `disk I/O error` where a full disk keeps its log from growing."""


def told(settings: Settings, work: Callable[[], int]) -> int:
    """What `work` returns; where the machine stopped it 1, after one sentence on stderr."""
    try:
        return work()
    except Exception as error:
        sentence = explain(error, settings)
        if sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        return 1


def explain(error: BaseException, settings: Settings) -> str | None:
    """The sentence for an error that the machine caused, None for any other."""
    for cause in _chain(error):
        if isinstance(cause, (NotOurTurnError, SettingsError)):
            return str(cause)
        if isinstance(cause, WarehouseLockedError):
            return f"{cause}; {SAFE}"
        if sentence := _of_machine(cause, settings):
            return f"{sentence}; {SAFE}"
        if isinstance(cause, DbtRunError):
            return explain_text(str(cause), settings) or str(cause)
        if type(cause).__module__.startswith(("duckdb", "_duckdb")) and (told := explain_text(str(cause), settings)):
            return told
    return None


def explain_text(message: str, settings: Settings) -> str | None:
    """The same for an error of which only the text is known."""
    text = message.lower()
    if "no space left on device" in text or "database or disk is full" in text:
        return f"{_no_room(settings)}; {SAFE}"
    if "read-only file system" in text:
        return f"{settings.data_dir}: {'; '.join(_DISK[errno.EROFS])}; {SAFE}"
    if "permission denied" in text:
        return f"{_place(message, settings)}: {'; '.join(_DISK[errno.EACCES])}; {SAFE}"
    if "out of memory error" in text or text.startswith("memoryerror"):
        return f"{_no_memory(settings)}; {SAFE}"
    if tells_of_damage(message):
        return _damaged(settings)
    return None


def _of_machine(cause: BaseException, settings: Settings) -> str | None:
    if isinstance(cause, MemoryError) or type(cause).__name__ == "OutOfMemoryException":
        return _no_memory(settings)
    if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
        return _no_room(settings)
    if isinstance(cause, OSError) and cause.errno in _DISK:
        place = cause.filename or settings.data_dir
        return f"{place}: {'; '.join(_DISK[cause.errno])}"
    if isinstance(cause, sqlite3.Error):
        return _of_dagster(cause, settings)
    return None


def _of_dagster(cause: sqlite3.Error, settings: Settings) -> str:
    home = settings.dagster_home
    said = str(cause)
    if "full" in said or ("disk I/O error" in said and shutil.disk_usage(settings.data_dir).free < _ROOM_FOR_A_LOG):
        return _no_room(settings)
    if "locked" in said:
        return f"Dagster's files in {home} are locked by another program ({said}); end it and start again"
    if "readonly" in said or "unable to open" in said:
        return f"Dagster's files in {home} cannot be written ({said}); give this user the right, and start again"
    return (
        f"Dagster's files in {home} are damaged ({said}); they hold the history of runs and no data: move them away "
        f"with `mv '{home}' '{home}.damaged'`, and start again"
    )


def _damaged(settings: Settings) -> str:
    """Of the build file, unless it is the published one that cannot be read."""
    if is_damaged(settings.published_database):
        return (
            f"the published file {settings.published_database} is damaged; the warehouse that it was made of is "
            f"untouched: `make rollback` lets readers see the publication before it, `make run` publishes anew"
        )
    build = settings.build_database.parent
    backups = sorted(settings.backups_dir.glob("*.tar"))
    back = f"`make restore FILE={shlex.quote(str(backups[-1]))}` puts the last backup back" if backups else ""
    anew = (
        f"`mv {shlex.quote(str(build))} {shlex.quote(f'{build}.damaged')}` and `make run` loads everything anew from "
        f"the sources, without what only the damaged file still knew"
    )
    return f"the build file {settings.build_database} is damaged; {SAFE}: " + ", or ".join(filter(None, (back, anew)))


def _place(message: str, settings: Settings) -> str:
    """The file that an error of DuckDB names in quotes, else the data folder."""
    named = re.search(r"""["'](/[^"']+)["']""", message)
    return named[1] if named else str(settings.data_dir)


def _no_room(settings: Settings) -> str:
    return f"the disk of {settings.data_dir} is full; free some space, then `make run` does the work again"


def _no_memory(settings: Settings) -> str:
    return (
        f"there is too little memory: DuckDB may take {settings.memory_limit}; where the machine has more, allow "
        f"it with MINEHOUSE_MEMORY_LIMIT, else end other programs, then `make run` does the work again"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, the outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        origin = getattr(seen, "orig", None)  # SQLAlchemy's wrapping of a driver's error
        if isinstance(origin, BaseException):
            yield origin
        seen = seen.__cause__ or seen.__context__
