"""Opens a Butler repository to read, and says in one sentence why it cannot."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler


@lru_cache(maxsize=4)
def open_repository(url: str) -> Butler:
    """Open a repository, read-only; a process opens it once.

    Parameters
    ----------
    url : str
        Folder, URL or label of the repository.

    Raises
    ------
    VerifyError
        Exit code 4: ``no_butler`` (nothing to read it with is installed), ``not_a_repository``.
        Exit code 3: ``repository_outdated``, ``unreadable_repository``.
    """
    try:
        from lsst.daf.butler import Butler
        from lsst.daf.butler.registry import interfaces, versions
    except ImportError as error:
        raise VerifyError(
            "There is nothing installed that reads a Butler repository.",
            code="no_butler",
            hint="pip install 'skyassay[images]'",
            exit_code=4,
        ) from error
    outdated = (
        interfaces.IncompatibleVersionError,
        versions.IncompatibleVersionError,
        versions.ManagerMismatchError,
        versions.MissingManagerError,
    )
    try:
        with _quiet():
            return Butler.from_config(url, writeable=False)
    except FileNotFoundError as error:
        raise VerifyError(
            f"{url} is no Butler repository.",
            code="not_a_repository",
            hint="Name the folder that holds butler.yaml.",
            exit_code=4,
        ) from error
    except outdated as error:
        raise VerifyError(
            f"The registry of {url} is of another version than the software installed here.",
            code="repository_outdated",
            hint=f"Migrate a copy with lsst-daf-butler-migrate. It said: {first_line(error)}",
        ) from error
    except Exception as error:
        # Whatever else a damaged configuration or database raises.
        raise VerifyError(
            f"The Butler repository {url} cannot be opened.",
            code="unreadable_repository",
            hint=first_line(error),
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the Butler from logging what is raised besides."""
    logger = logging.getLogger("lsst.daf.butler.direct_butler")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def known_collection(butler: Butler, name: str | None) -> str:
    """Return the collection asked for.

    Raises
    ------
    VerifyError
        ``no_collection``, ``unknown_collection`` (exit code 4), with those there are.
    """
    there = sorted(info.name for info in butler.collections.query_info("*"))
    if name in there:
        return str(name)
    if not there:
        raise VerifyError(
            "The repository is empty: it has no collection.",
            code="empty_repository",
            hint="Enter data first: assay simulate release --level pixels --repo REPO.",
        )
    near = difflib.get_close_matches(name or "", there, n=2)
    raise VerifyError(
        f"There is no collection {name!r}." if name else "Which collection is meant?",
        code="unknown_collection" if name else "no_collection",
        hint=(f"Did you mean {' or '.join(near)}? " if near else "") + f"There are {few(there)}.",
        exit_code=4,
    )


def few(names: Iterable[str], most: int = 12) -> str:
    """Return names for a sentence, the first of them where there are many."""
    found = list(names)
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + more
