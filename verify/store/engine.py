"""The connection: SQLite or PostgreSQL, set up so that nothing acknowledged is lost."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from skyassay.verify.errors import VerifyError

#: How long a writer waits for another one.
BUSY_SECONDS = 30
#: Name of the lock that PostgreSQL's writers take one after the other: "assay" in ASCII.
_WRITERS_LOCK = 0x6173736179


def parse(url: str) -> URL:
    """Return a database URL; a plain path means SQLite there."""
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except sa.exc.ArgumentError as error:
        raise VerifyError(
            f"{url!r} is no database URL.",
            code="bad_store_url",
            hint="For instance sqlite:///.assay/store.sqlite",
            exit_code=4,
        ) from error


def sqlite_path(url: URL) -> Path | None:
    """Return the file of a SQLite URL; None for any other database."""
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise VerifyError(
            "A store in memory keeps nothing.",
            code="bad_store_url",
            hint="Name a file: sqlite:///.assay/store.sqlite",
            exit_code=4,
        )
    return Path(url.database)


def make_engine(url: URL, *, write: bool) -> sa.Engine:
    """Return an engine for writing, or for reading only.

    Notes
    -----
    The driver's own transactions start deferred: one that reads and then writes gets
    SQLITE_BUSY whatever the timeout. Writers therefore say BEGIN IMMEDIATE themselves.
    """
    path = sqlite_path(url)
    if path is None:
        return _server_engine(url, write=write)
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = url
    else:
        query = {"mode": "ro", "uri": "true"}
        target = URL.create("sqlite", database=path.absolute().as_uri(), query=query)
    engine = sa.create_engine(
        target, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    sa.event.listen(engine, "connect", _setup_writer if write else _setup_reader)
    sa.event.listen(engine, "begin", _begin_immediate if write else _begin)
    return engine


def _server_engine(url: URL, *, write: bool) -> sa.Engine:
    """Return an engine for a database server.

    PostgreSQL's writers take turns, as SQLite's do: what a transaction looks up before it
    writes stays true until it ends, and rows are numbered in the order they are committed.
    """
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    postgres = url.get_backend_name() == "postgresql"
    options = {"postgresql_readonly": True} if postgres and not write else {}
    engine = sa.create_engine(url, pool_pre_ping=True, execution_options=options)
    if postgres and write:
        sa.event.listen(engine, "begin", _take_turns)
    return engine


def _take_turns(connection: sa.Connection) -> None:
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{BUSY_SECONDS}s'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")


def _setup_writer(connection: Any, _record: object) -> None:
    """WAL, full synchronisation, foreign keys."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _use_wal(cursor: Any) -> None:
    """Switch to WAL; the busy timeout does not hold for this one, so wait here."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
            raise VerifyError(
                "The store cannot use a write-ahead log where it is.",
                code="store_unusable",
                hint="Keep it on a local disk: --store sqlite:////path/store.sqlite",
            )
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _setup_reader(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")
