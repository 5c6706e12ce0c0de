"""Errors of the prompt database: one sentence, a code, a hint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skyassay.pipeline.execution.errors import DISK_FULL, chain_of, reason_code, sentence
from skyassay.pipeline.products.errors import ProductError

#: What the drivers of SQLite and PostgreSQL say -> code and hint; the first that is found counts.
_SAID = (
    (
        ("database is locked", "lock timeout", "could not obtain lock"),
        "database_locked",
        "Another process is writing to it: wait for that, or end it, and run the same again.",
    ),
    (
        ("file is not a database", "malformed", "invalid page", "disk i/o error"),
        "database_damaged",
        "Put a copy of the database in its place, or take a new one.",
    ),
    (
        ("unable to open database file", "connection failed", "connection refused", "timeout"),
        "database_unreachable",
        "Does the database run, and may this account use it?",
    ),
    (
        ("readonly database", "permission denied"),
        "database_read_only",
        "Give this account the right to write to the database.",
    ),
)
#: SQLSTATE of a full disk, by PostgreSQL.
_DISK_FULL_STATE = "53100"


class PromptError(ProductError):
    """The prompt database or what is to be written to it; parameters as in `ProductError`."""


@contextmanager
def reading_database(doing: str) -> Iterator[None]:
    """Turn what a database driver raises into an error with words.

    Parameters
    ----------
    doing : str
        What was being done: "The prompt database could not be ...".

    Raises
    ------
    PromptError
        ``DISK_FULL``, ``database_locked``, ``database_damaged``, ``database_unreachable``,
        ``database_read_only``, ``database_refused`` for what breaks a rule of its tables, or
        ``database_failed``.
    """
    import sqlalchemy.exc

    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
        code, hint = _named(error)
        raise PromptError(
            f"The prompt database could not be {doing}: {sentence(_innermost(error))}.",
            code=code,
            hint=hint,
        ) from error


def _named(error: BaseException) -> tuple[str, str]:
    """Return code and hint of a failure."""
    import sqlalchemy.exc

    states = {getattr(one, "sqlstate", None) for one in chain_of(error)}
    if reason_code(error) == DISK_FULL or _DISK_FULL_STATE in states:
        return DISK_FULL, "Make room and run the same again: nothing of this image was stored."
    said = " ".join(str(one).lower() for one in chain_of(error))
    if any(isinstance(one, sqlalchemy.exc.IntegrityError) for one in chain_of(error)):
        return "database_refused", "Two images must not have the same visit and detector."
    for words, code, hint in _SAID:
        if any(word in said for word in words):
            return code, hint
    return "database_failed", "Nothing of this image was stored; run the same again."


def _innermost(error: BaseException) -> BaseException:
    """Return what the driver itself said: the library repeats the statement around it."""
    said = (getattr(one, "orig", None) for one in chain_of(error))
    return next((one for one in said if isinstance(one, BaseException)), error)
