"""Lists the price files of a folder and opens archives.

Belongs here: which files are price files, and what is left out. Does not belong here: what is in them.
"""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from dagster_project.contracts.batch import visible
from dagster_project.sources.base import EmptyFetchError, SourceError
from dagster_project.sources.prices.files.errors import UnreadableFileError

TEXT_ENDINGS = frozenset({".csv", ".tsv", ".tab", ".txt"})
TABLE_ENDINGS = frozenset({".parquet", ".pq", ".xlsx", ".xlsm", ".xls", ".ods"})
ARCHIVE_ENDINGS = frozenset({".zip", ".gz"})
READ = "csv, tsv, txt, parquet, xlsx, and zip or gz of these"

MOST_BYTES = 2 * 1024**3
"""What one archived file may come to; a larger one is refused before it fills the memory."""

_ZIP, _GZIP, _PARQUET, _OLD_EXCEL = b"PK\x03\x04", b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0"
_IGNORED_NAMES = ("readme", "license", "thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class PriceFile:
    """A file that may hold prices: its path within the folder as it can be shown, its name, and its bytes.

    `name` is that of the member where it lies in an archive, without the ending of a compression. `size_bytes` and
    `modified_ns` are those of the file on disk, seen before anything of it is read.
    """

    label: str
    name: str
    read: Callable[[], bytes]
    head: Callable[[int], bytes]
    size_bytes: int = 0
    modified_ns: int = 0

    @property
    def stem(self) -> str:
        """The name without its ending."""
        ending = self.ending
        return self.name[: -len(ending)] if ending else self.name

    @property
    def ending(self) -> str:
        """The ending in lower case, with its dot; empty where there is none of those that are read."""
        return _ending(self.name)


@dataclass(frozen=True)
class LeftOut:
    """A file that is not read, and why."""

    label: str
    reason: str


def price_files(folder: Path) -> tuple[list[PriceFile], list[LeftOut]]:
    """The files of the folder and of its folders by name, and what is left out of them.

    Raises `SourceError` where the folder is missing or cannot be read, `EmptyFetchError` where it holds no price file.
    """
    if not folder.is_dir():
        raise SourceError(f"price folder {folder} does not exist, or is not a folder")
    found: list[PriceFile] = []
    left_out: list[LeftOut] = []
    for path in _walk(folder, left_out):
        label = visible(str(path.relative_to(folder)))
        try:
            seen = path.stat()
            found.extend(
                replace(file, size_bytes=seen.st_size, modified_ns=seen.st_mtime_ns)
                for file in _opened(path, label, left_out)
            )
        except OSError as error:
            left_out.append(LeftOut(label, f"cannot be opened: {error.strerror or error}"))
    if not found:
        said = "".join(f"; {left.label}: {left.reason}" for left in left_out[:3])
        raise EmptyFetchError(f"price folder {folder} has no file that is read ({READ}){said}")
    return found, left_out


def _walk(folder: Path, left_out: list[LeftOut]) -> Iterator[Path]:
    """Regular files below the folder in order of their names; hidden ones and notes are passed over."""

    def cannot(error: OSError) -> None:
        where = Path(os.fsdecode(error.filename or "")).name
        left_out.append(LeftOut(visible(where), f"cannot be opened: {error.strerror or error}"))

    for here, folders, names in os.walk(folder, onerror=cannot):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
        for name in sorted(names):
            if name.startswith(".") or name.lower().startswith(_IGNORED_NAMES):
                continue
            path = Path(here) / name
            try:
                mode = path.stat().st_mode
            except OSError as error:
                left_out.append(LeftOut(visible(name), f"cannot be opened: {error.strerror or error}"))
                continue
            if stat.S_ISREG(mode):
                yield path
            else:
                left_out.append(LeftOut(visible(name), "no regular file"))


def _ending(name: str) -> str:
    ending = PurePosixPath(name.lower()).suffix
    return ending if ending in TEXT_ENDINGS | TABLE_ENDINGS | ARCHIVE_ENDINGS else ""


def _opened(path: Path, label: str, left_out: list[LeftOut]) -> Iterator[PriceFile]:
    ending = _ending(path.name)
    if not ending:
        left_out.append(LeftOut(label, f"{path.suffix or 'a name without an ending'} is none of {READ}"))
        return
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == _ZIP and ending not in TABLE_ENDINGS:
        yield from _members(path, label, left_out)
    elif magic == _GZIP or ending == ".gz":
        name = path.name[:-3] if ending == ".gz" else path.name
        name = name if _ending(name) else f"{name}.csv"
        yield PriceFile(
            label, name, lambda: _gunzipped(path, MOST_BYTES), lambda most: _gunzipped(path, most, whole=False)
        )
    elif ending == ".zip":
        left_out.append(LeftOut(label, "not a readable zip archive"))
    else:
        yield PriceFile(label, path.name, path.read_bytes, lambda most: _beginning(path, most))


def _beginning(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most)


def _gunzipped(path: Path, most: int, *, whole: bool = True) -> bytes:
    try:
        with gzip.open(path) as file:
            data = file.read(most + 1 if whole else most)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"not a readable gzip file: {error}", path.name) from error
    if whole and len(data) > most:
        raise UnreadableFileError(f"more than {most // 1024**3} GiB when unpacked", path.name)
    return data


def _members(path: Path, label: str, left_out: list[LeftOut]) -> Iterator[PriceFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        left_out.append(LeftOut(label, f"not a readable zip archive: {error}"))
        return
    members = [info for info in infos if not info.is_dir() and not _is_note(info.filename)]
    for info in members:
        within = visible(f"{label}/{info.filename}")
        name = PurePosixPath(info.filename.replace("\\", "/")).name
        if _ending(name) not in TEXT_ENDINGS | TABLE_ENDINGS:
            left_out.append(LeftOut(within, f"none of {READ}"))
        elif info.file_size > MOST_BYTES:
            left_out.append(LeftOut(within, f"more than {MOST_BYTES // 1024**3} GiB when unpacked"))
        else:
            # an archive of one file that is called like it is that file
            yield PriceFile(
                label if len(members) == 1 else within,
                name,
                # never more than the size that the archive states, which was looked at
                lambda info=info: _unzipped(path, info, info.file_size),  # type: ignore[misc]
                lambda most, info=info: _unzipped(path, info, most),  # type: ignore[misc]
            )


def _is_note(name: str) -> bool:
    last = PurePosixPath(name).name.lower()
    return last.startswith((".", *_IGNORED_NAMES)) or name.startswith("__MACOSX")


def _unzipped(path: Path, info: zipfile.ZipInfo, most: int) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive, archive.open(info) as file:
            return file.read(most)
    # a damaged bzip2 stream is an OSError, as a disk that cannot be read is
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, RuntimeError) as error:
        raise UnreadableFileError(f"not readable within the archive: {error}", info.filename) from error


def folder_state(folder: Path) -> str | None:
    """Names, sizes and times of the files that are read, in one short text; empty without files, None without a folder.

    A file that disappears while it is looked at counts with its name alone, so that the next look differs.
    """
    try:
        next(folder.iterdir(), None)
    except OSError:
        return None
    lines = []
    for path in _walk(folder, []):
        try:
            seen = path.stat()
        except OSError:
            lines.append(f"{path}")
        else:
            lines.append(f"{path} {seen.st_size} {seen.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:32] if lines else ""
