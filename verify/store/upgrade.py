"""Bring the index to the schema this version knows; refuse one from the future."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import sqlalchemy as sa

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from alembic.config import Config


def upgrade(engine: sa.Engine) -> None:
    """Run the migrations that are due, in one transaction."""
    with engine.begin() as connection:  # the write lock: one process migrates, others wait
        now = _current(connection)
        if now == _head():
            return
        _refuse_newer(now)
        from alembic import command

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def check(engine: sa.Engine) -> None:
    """Refuse to read an index of another schema than ours."""
    with engine.connect() as connection:
        now = _current(connection)
    _refuse_newer(now)
    if now != _head():
        raise VerifyError(
            "The store is of an older version of skyassay, or not a store.",
            code="store_outdated",
            hint="Any command that writes to it (assay measure) brings it up to date.",
        )


def _current(connection: sa.Connection) -> str | None:
    """Return the revision of a store, without alembic where it is up to date (0.2 s saved)."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _revisions() -> list[str]:
    """Return the revisions this version has: their file names begin with them, in order."""
    folder = files(__package__).joinpath("migrations", "versions")
    return sorted(f.name[:4] for f in folder.iterdir() if f.name[:4].isdigit())


def _head() -> str:
    return _revisions()[-1]


def _refuse_newer(now: str | None) -> None:
    if now is not None and now not in _revisions():
        raise VerifyError(
            f"The store has schema {now}, which this version of skyassay does not know.",
            code="store_newer",
            hint="Use the version of skyassay that wrote it, or a newer one.",
        )


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files(__package__).joinpath("migrations")))
    return config
