"""The Dagster instance that a run at the shell writes its log to.

Dagster's SQLite event log opens a database anew for each event and closes it again, which also empties SQLite's
write-ahead log into the file and waits for the disk: with some eight hundred events a run spends a quarter of its time
on that. This one keeps each database open until the instance is disposed of. The files are the same, so the UI, which
uses Dagster's own class, shows these runs like any other.

Belongs here: how the log is written. Does not belong here: what is in it, or a different format.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.event import listen


def open_instance(home: Path) -> dg.DagsterInstance:
    """The instance whose home is the folder `home`, as its `dagster.yaml` has it, with a log that stays open."""
    storage = {"module": __name__, "class": "OpenSqliteStorage", "config": {"base_dir": str(home)}}
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides={"storage": {"custom": storage}}))


class OpenSqliteEventLog(SqliteEventLogStorage):
    """Dagster's event log in SQLite, one open engine per database (one for each run, one for all assets)."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """`base_dir` holds the databases."""
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether the database of all assets has this table; Dagster asks with every check."""
        return inspect(self._engine(INDEX_SHARD_NAME)).has_table(table_name)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        engine = self._engines.get(shard)
        if engine is None:
            engine = create_engine(
                self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            )
            # with a write-ahead log this is safe from a crash of ours; a power cut may cost the last lines of the log
            listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous = normal"))
            self._initdb(engine)
            self._engines[shard] = engine
        return engine

    def dispose(self) -> None:
        """Close every database."""
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


class OpenSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with the event log above."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """`base_dir` is Dagster's home."""
        super().__init__(base_dir, inst_data)
        self._event_log_storage = OpenSqliteEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(  # type: ignore[override]  # as Dagster's own, which would make Dagster's class
        cls, inst_data: ConfigurableClassData | None, config_value: SqliteStorageConfig
    ) -> Self:
        """What Dagster calls with the configuration of `open_instance`."""
        return cls.from_local(inst_data=inst_data, **config_value)
