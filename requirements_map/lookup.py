"""Find what an id stands for, and say what could have been meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.model import Criterion, Node, Requirement, RequirementSet


def find(found: RequirementSet, key: str) -> Requirement | Criterion | Node:
    """Return the requirement, criterion or node with an id.

    Raises
    ------
    RequirementsError
        Code ``unknown_id`` (exit code 4), with the nearest ids.
    """
    for known in (found.requirements, found.criteria, found.nodes):
        if key in known:
            item: Requirement | Criterion | Node = known[key]
            return item
    raise unknown(key, (*found.requirements, *found.criteria, *found.nodes))


def unknown(key: str, known: Iterable[str]) -> RequirementsError:
    """Return the error for an id that nobody has."""
    near = suggest(key, known)
    return RequirementsError(
        f"There is no {key!r} among the requirements.",
        code="unknown_id",
        hint=f"Did you mean {', '.join(near)}?" if near else "`assay requirements list` has all.",
        exit_code=4,
    )


def suggest(key: str, known: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` ids that are spelled like `key` or end with it."""
    ids = list(known)
    by_lower = {name.lower(): name for name in reversed(ids)}
    word = key.lower()
    ending = [name for low, name in by_lower.items() if low.endswith((f".{word}", f"/{word}"))]
    close = [by_lower[low] for low in get_close_matches(word, by_lower, n=n, cutoff=0.7)]
    return list(dict.fromkeys([*sorted(ending, key=len), *close]))[:n]
