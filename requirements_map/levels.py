"""Levels of a criterion: complete, of one type, and monotone."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.model import STRICTNESS, Limit


def check_levels(
    criterion: str, op: str, levels: Mapping[str, Limit], known: tuple[str, ...]
) -> None:
    """Refuse levels the document does not have, wrong types, and a stricter level that is looser.

    Raises
    ------
    RequirementsError
        Codes ``unknown_level``, ``limit_type``, ``levels_not_monotone``.
    """
    for level, limit in levels.items():
        if level not in known:
            raise RequirementsError(
                f"{criterion} has a level {level!r} that its document does not have.",
                code="unknown_level",
                hint=f"The document's levels are {', '.join(known)}.",
                exit_code=4,
            )
        if (op == "includes") != isinstance(limit, str) or isinstance(limit, bool):
            raise RequirementsError(
                f"{criterion} has the limit {limit!r} at level {level}, which {op!r} cannot use.",
                code="limit_type",
                hint="A number; a list of letters only for `includes`. Write 2.0e-5, not 2e-5.",
                exit_code=4,
            )
    present = [level for level in STRICTNESS if level in levels]
    for strict, loose in pairwise(present):
        if not at_least_as_strict(op, levels[strict], levels[loose]):
            raise RequirementsError(
                f"{criterion} is looser at {strict} ({levels[strict]}) than at {loose} "
                f"({levels[loose]}).",
                code="levels_not_monotone",
                hint="Stretch is at least as strict as design, design as minimum.",
                exit_code=4,
            )


def at_least_as_strict(op: str, strict: Limit, loose: Limit) -> bool:
    """Return whether whatever meets `strict` meets `loose`."""
    if isinstance(strict, str) or isinstance(loose, str):
        return set(str(loose)) <= set(str(strict))
    if strict is None or loose is None:
        return strict is loose
    if op in ("<", "<="):
        return strict <= loose
    if op in (">", ">="):
        return strict >= loose
    return strict == loose
