"""Sum up verdicts: the worst of several, a requirement's status, the exit code."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from skyassay.verify.records import STATUS_ORDER, Status, Verdict

EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_NOT_EVALUATED = 0, 1, 2, 3


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict that decides: the worst status, then the smallest margin."""
    return min(verdicts, key=_badness)


def _badness(verdict: Verdict) -> tuple[int, float]:
    margin = verdict.margin_percent
    return STATUS_ORDER.index(verdict.status), math.inf if margin is None else margin


def requirement_status(verdicts: Sequence[Verdict]) -> Status:
    """Return a requirement's status: the worst of its criteria at their binding level.

    A requirement none of whose criteria is judged is NOT_APPLICABLE only if each of them
    is; with no verdict at all it is NOT_MEASURED.
    """
    binding = [v for v in verdicts if v.binding]
    return worst(binding).status if binding else "NOT_MEASURED"


def counted(verdicts: Sequence[Verdict], metrics: Collection[str]) -> list[Verdict]:
    """Return the verdicts that decide the exit code: binding, of a metric that was asked for."""
    return [v for v in verdicts if v.binding and v.metric in metrics]


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Return 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate.

    A failure weighs most, then what could not be evaluated, then what is undecided.
    Nothing to judge could not be evaluated: it never passes.
    """
    statuses = {v.status for v in verdicts}
    if "FAIL" in statuses:
        return EXIT_FAIL
    if "NOT_MEASURED" in statuses:
        return EXIT_NOT_EVALUATED
    if "INCONCLUSIVE" in statuses:
        return EXIT_INCONCLUSIVE
    return EXIT_PASS if "PASS" in statuses else EXIT_NOT_EVALUATED
