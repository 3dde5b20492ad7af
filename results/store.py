# SPDX-License-Identifier: GPL-2.0-only
"""The history of runs in one SQLite file. The runs' folders stay the truth: the file can be made anew from them.

A run's id is the second in which it began, or the next one that is free, so that ids are in the order of time. Verdicts lie by test, host
and run: what one test said over time is in one place. Names are kept once. `user_version` is the version of the schema.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path

from lab.errors import LabError, UsageError
from results.history_record import Record, read, stamp

__all__ = ["Connection", "Record", "WORDS", "opened", "read", "stamp", "stamps", "write"]

Connection = sqlite3.Connection

APPLICATION = 0x494F4354
WAIT = 60.0  # seconds, for another import
CACHE_KIB = 256 << 10  # of a bulk import: its tree has to be at hand

# How a verdict is kept. KNOWN is a failure that a waiver names.
WORDS = ("PASS", "FAIL", "KNOWN", "ERROR", "MISS", "SKIP", "DONE")

_VERSION_1 = """
CREATE TABLE host (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE test (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE reason (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE run (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, began TEXT NOT NULL, host INTEGER NOT NULL REFERENCES host, kernel TEXT NOT NULL,
  suite TEXT NOT NULL, mode TEXT NOT NULL, exit_code INTEGER, folder TEXT NOT NULL, stamp TEXT,
  pass INTEGER NOT NULL, fail INTEGER NOT NULL, known INTEGER NOT NULL, error INTEGER NOT NULL, miss INTEGER NOT NULL,
  skip INTEGER NOT NULL, done INTEGER NOT NULL,
  UNIQUE (name, began)
);
CREATE INDEX run_by_host ON run (host, id);
CREATE TABLE verdict (
  test INTEGER NOT NULL REFERENCES test, host INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES run, word INTEGER NOT NULL,
  reason INTEGER REFERENCES reason,
  PRIMARY KEY (test, host, run)
) WITHOUT ROWID;
"""

# What was measured, and which build of a kernel ran: two of one release may differ. Runs that are there are to be read again for it.
_VERSION_2 = """
ALTER TABLE run ADD COLUMN build TEXT;
CREATE TABLE measure (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL, better TEXT NOT NULL);
CREATE TABLE value (
  measure INTEGER NOT NULL REFERENCES measure, host INTEGER NOT NULL, run INTEGER NOT NULL REFERENCES run, median REAL NOT NULL,
  minimum REAL NOT NULL, samples INTEGER NOT NULL,
  PRIMARY KEY (measure, host, run)
) WITHOUT ROWID;
UPDATE run SET stamp = NULL;
"""

MIGRATIONS = (_VERSION_1, _VERSION_2)
VERSION = len(MIGRATIONS)


@contextmanager
def opened(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """The file, brought to the present version of the schema. UsageError if there is none and it is not to be created, or if it is
    something else or of a newer version; LabError where it can't be read or written: nothing of an unfinished write stays."""
    # Of an empty file SQLite would make a database.
    if not create and not (path.is_file() and path.stat().st_size):
        raise UsageError(f"{path}: no history yet; `iommu-cts history import RUN` begins it")
    connection = None
    try:
        connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None)
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        _migrate(connection, path)
        yield connection
    except sqlite3.Error as error:
        raise _fault(error, path) from error
    finally:
        if connection is not None:
            connection.close()


def _fault(error: sqlite3.Error, path: Path) -> LabError:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_NOTADB":
        return UsageError(f"{path}: it is no history of runs; name another file")
    way_out = {
        "SQLITE_BUSY": "another import is writing to it; try again when that is done",
        "SQLITE_FULL": "make room and import again: runs that are in it are passed over",
        "SQLITE_CORRUPT": "remove it and import the runs again: it has nothing that their folders have not",
    }
    return LabError(f"{path}: {error}" + (f"; {way_out[code]}" if code in way_out else ""))


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection, path)
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Somebody else may have been quicker.
        for script in MIGRATIONS[_version(connection, path) :]:
            for statement in filter(str.strip, script.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        _undo(connection)
        raise


def _version(connection: sqlite3.Connection, path: Path) -> int:
    version, application, tables = (
        int(connection.execute(question).fetchone()[0])
        for question in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_schema")
    )
    if tables and application != APPLICATION:
        raise UsageError(f"{path}: a database of something else; name another file")
    if version > VERSION:
        way_out = "take a newer one, or name another file"
        raise UsageError(f"{path}: version {version} of the history; this iommu-cts reads up to {VERSION}: {way_out}")
    return version


def _undo(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def stamps(connection: sqlite3.Connection) -> dict[str, str]:
    """Of each folder that was imported, what its results.json looked like."""
    return dict(connection.execute("SELECT folder, stamp FROM run WHERE stamp IS NOT NULL"))


def write(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Puts runs in, all of them or none. A run that is there, by its name and when it began, is replaced."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _Writer(connection).write(records)
        connection.execute("COMMIT")
    except BaseException:
        _undo(connection)
        raise


class _Names:
    """The ids of names in one table; those that are missing are added."""

    def __init__(self, connection: sqlite3.Connection, table: str, column: str = "name") -> None:
        self._connection = connection
        self._table, self._column = table, column
        self._ids: dict[str, int] = dict(connection.execute(f"SELECT {column}, id FROM {table}"))

    def __call__(self, name: str, **more: str) -> int:
        found = self._ids.get(name)
        if found is None:
            columns = [self._column, *more]
            marks = ", ".join("?" * len(columns))
            cursor = self._connection.execute(f"INSERT INTO {self._table} ({', '.join(columns)}) VALUES ({marks})", (name, *more.values()))
            found = self._ids[name] = int(cursor.lastrowid or 0)
        return found


class _Writer:
    """Writes within one transaction: names that others add are not known across two."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._host, self._test = _Names(connection, "host"), _Names(connection, "test")
        self._reason, self._measure = _Names(connection, "reason", "code"), _Names(connection, "measure")

    def write(self, records: Sequence[Record]) -> None:
        verdicts, values = [], []
        codes = {word: number for number, word in enumerate(WORDS)}
        for record in {(record.name, record.began): record for record in records}.values():
            host = self._host(record.host)
            self._remove(record)
            run = self._add(record, host)
            verdicts += [
                (self._test(test), host, run, codes[word], None if code is None else self._reason(code))
                for test, word, code in record.verdicts
            ]
            values += [
                (self._measure(one.name, unit=one.unit, better=one.better), host, run, one.median, one.minimum, one.samples)
                for one in record.values
            ]
        # In the order of the tree, so that neighbours are written together. The last of two results of one name counts.
        verdicts.sort(key=itemgetter(0, 1, 2))
        values.sort(key=itemgetter(0, 1, 2))
        self._connection.executemany("INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?)", verdicts)
        self._connection.executemany("INSERT OR REPLACE INTO value VALUES (?, ?, ?, ?, ?, ?)", values)

    def _remove(self, record: Record) -> None:
        asked = "SELECT id, host FROM run WHERE name = ? AND began = ?"
        found: tuple[int, int] | None = self._connection.execute(asked, (record.name, record.began)).fetchone()
        if found is None:
            return
        # There is no index by run, which would double the file: each test is asked for.
        self._connection.execute("DELETE FROM verdict WHERE test IN (SELECT id FROM test) AND run = ? AND host = ?", found)
        self._connection.execute("DELETE FROM value WHERE measure IN (SELECT id FROM measure) AND run = ? AND host = ?", found)
        self._connection.execute("DELETE FROM run WHERE id = ?", found[:1])

    def _add(self, record: Record, host: int) -> int:
        run = record.second
        while self._connection.execute("SELECT 1 FROM run WHERE id = ?", (run,)).fetchone():
            run += 1
        row = {
            "id": run, "name": record.name, "began": record.began, "host": host, "kernel": record.kernel, "build": record.build,
            "suite": record.suite, "mode": record.mode, "exit_code": record.exit_code, "folder": record.folder, "stamp": record.stamp,
            **{word.lower(): record.counts[word] for word in WORDS},
        }  # fmt: skip
        marks = ", ".join("?" * len(row))
        self._connection.execute(f"INSERT INTO run ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
        return run
