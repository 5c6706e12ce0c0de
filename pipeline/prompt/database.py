"""The prompt database (APDB): made once for a survey, opened once in a process."""

from __future__ import annotations

import gc
import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.pipeline.prompt.errors import PromptError, reading_database

if TYPE_CHECKING:
    from sqlalchemy.engine import URL, Engine

#: What the library itself reads back, months of 30 days.
MONTHS = 12
FOLDER, CONFIG, FILE = "apdb", "apdb_config.yaml", "apdb.sqlite"
#: SQLite has one writer at a time; others wait this long, seconds.
_WAIT = 60.0


@dataclass(frozen=True)
class PromptDatabase:
    """An open prompt database.

    Attributes
    ----------
    apdb : lsst.dax.apdb.ApdbSql
        What reads by place and writes.
    engine : sqlalchemy.Engine
        For what its interface has no question for: what one image has stored.
    """

    apdb: Any
    engine: Engine

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        self.engine.dispose()


def default_config(repo: str | Path) -> Path:
    """Return the configuration file of the prompt database beside a repository."""
    return Path(repo).absolute() / FOLDER / CONFIG


def ensure_database(where: str | Path, url: str | None = None, *, wait: float = _WAIT) -> Path:
    """Return the configuration file of a database, which is made where there is none yet.

    Parameters
    ----------
    where : path-like
        Configuration file; the SQLite file stands beside it.
    url : str, optional
        A PostgreSQL database to use instead (``postgresql+psycopg://...``), empty at first.
        It may hold an APDB already: that is taken up.
    wait : float
        Seconds to wait for other writers.

    Raises
    ------
    PromptError
        ``other_database`` (exit code 4) where the file names another one, and those of
        `reading_database`.
    """
    config = Path(where).absolute()
    if config.exists():
        if url is not None and not _same(_address(config), url):
            raise PromptError(
                f"{config.name} is the configuration of another prompt database.",
                code="other_database",
                hint="Give a new file for the new database, or leave the address out.",
                exit_code=4,
            )
        return config
    with reading_database("made"):
        config.parent.mkdir(parents=True, exist_ok=True)
        _make(config, url, wait)
    return config


def _same(address: URL, url: str) -> bool:
    import sqlalchemy

    return address == sqlalchemy.make_url(url)


def _make(config: Path, url: str | None, wait: float) -> None:
    """Make the tables, then the configuration: a file that is there is complete."""
    import sqlalchemy
    from lsst.dax.apdb import ApdbSql

    address = url or f"sqlite:///{config.parent / FILE}"
    with warnings.catch_warnings():
        # The library leaves its connection for the collector to close, and the driver complains.
        warnings.simplefilter("ignore", ResourceWarning)
        made = ApdbSql.init_database(
            address,
            read_sources_months=MONTHS,
            read_forced_sources_months=MONTHS,
            connection_timeout=int(wait),
        )
        gc.collect()
    if url is None:
        # A reader need not wait for a writer, and a commit is one write; the file remembers it.
        engine = sqlalchemy.create_engine(address)
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("PRAGMA journal_mode=WAL"))
        engine.dispose()
    part = config.with_suffix(f".{os.getpid()}.part.yaml")
    made.save(str(part))
    part.replace(config)


def open_database(where: str | Path, *, wait: float = _WAIT) -> PromptDatabase:
    """Return an open database; the same one for the same file in this process.

    Parameters
    ----------
    where : path-like
        Configuration file.
    wait : float
        Seconds to wait for other writers.

    Raises
    ------
    PromptError
        ``no_database`` (exit code 4) where the file is missing, ``not_an_apdb`` where it or the
        database is something else, and those of `reading_database`.
    """
    config = Path(where).absolute()
    try:
        known = config.stat()
    except OSError as error:
        raise PromptError(
            f"There is no prompt database at {config.name}.",
            code="no_database",
            hint="Make it with `ensure_database`, or name the right configuration file.",
            exit_code=4,
        ) from error
    return _open(config, (known.st_ino, known.st_mtime_ns), wait)


@lru_cache(maxsize=4)
def _open(config: Path, _version: tuple[int, int], wait: float) -> PromptDatabase:
    """Open; the version tells a new file from the old one of the same name."""
    import sqlalchemy
    from lsst.dax.apdb import ApdbSql, IncompatibleVersionError

    # What the library raises where a table, or a column of one, is not there.
    foreign = (sqlalchemy.exc.NoSuchTableError, AttributeError)
    settings = _settings(config)
    settings.db_url = _address(config).render_as_string(hide_password=False)
    # The saved file forgets this one.
    settings.connection_config.connection_timeout = wait
    # The library connects once an image, to store: none is kept open, nor shared by a fork.
    settings.connection_config.connection_pool = False
    with reading_database("opened"):
        try:
            apdb = ApdbSql(settings)
        except (*foreign, RuntimeError, IncompatibleVersionError) as error:
            raise _no_apdb(config, str(error) or type(error).__name__) from error
        arguments = {"timeout" if _is_sqlite(settings) else "connect_timeout": int(wait) or 1}
        engine = sqlalchemy.create_engine(settings.db_url, connect_args=arguments)
    return PromptDatabase(apdb, engine)


def _settings(config: Path) -> Any:
    """Return what a configuration file says."""
    from lsst.dax.apdb import ApdbConfig
    from lsst.dax.apdb.sql import ApdbSqlConfig

    try:
        settings = ApdbConfig.from_uri(str(config))
    except Exception as error:
        # The library raises whatever its parser does.
        raise _no_apdb(config, type(error).__name__) from error
    if not isinstance(settings, ApdbSqlConfig):
        raise _no_apdb(config, "only SQL databases can be used")
    return settings


def _address(config: Path) -> URL:
    """Return where the database is; a SQLite file beside its configuration is that one.

    The saved address is absolute: without this a moved repository would lose its database, and
    a copied one would write into the other's.
    """
    import sqlalchemy

    url = sqlalchemy.make_url(_settings(config).db_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return url
    beside = config.parent / Path(url.database.removeprefix("file:")).name
    if beside.exists():
        return url.set(database=f"file:{beside}", query={"mode": "rw", "uri": "true"})
    return url


def _is_sqlite(settings: Any) -> bool:
    return str(settings.db_url).startswith("sqlite")


def _no_apdb(config: Path, why: str) -> PromptError:
    return PromptError(
        f"{config.name} leads to no prompt database: {' '.join(why.split())}.",
        code="not_an_apdb",
        hint="Name a configuration file that `ensure_database` has made.",
        exit_code=4,
    )
