"""Compares how criteria answered with what was declared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from skyassay.verify.faults.model import STEPS, Outcome, Response, Trial


class Declared(Protocol):
    """A fault as `skyassay.simulator.faults` declares it."""

    @property
    def id(self) -> str: ...  # noqa: D102

    @property
    def title(self) -> str: ...  # noqa: D102

    @property
    def seam(self) -> str: ...  # noqa: D102

    @property
    def unit(self) -> str: ...  # noqa: D102

    @property
    def flips(self) -> Mapping[str, float]: ...  # noqa: D102

    @property
    def never(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def open(self) -> Mapping[str, str]: ...  # noqa: D102


def doses(fault: Declared) -> tuple[float, ...]:
    """Return every dose that the campaign tries, 0 first."""
    wanted = {round(step * dose, 12) for dose in fault.flips.values() for step in STEPS}
    return (0.0, *sorted(wanted))


def judge(fault: Declared, trials: Sequence[Trial]) -> list[Response]:
    """Return the response of every criterion that something is declared of."""
    by: dict[str, dict[float, list[Trial]]] = defaultdict(lambda: defaultdict(list))
    for trial in trials:
        by[trial.criterion][trial.dose].append(trial)
    return [_response(fault, c, by.get(c, {})) for c in (*fault.flips, *fault.never)]


def _response(fault: Declared, criterion: str, found: Mapping[float, list[Trial]]) -> Response:
    declared = fault.flips.get(criterion)
    failed = {dose: _share(t, "FAIL") for dose, t in sorted(found.items())}
    outcome, said = _spared(found) if declared is None else _flipped(declared, found, failed)
    if outcome != "AS_DECLARED" and criterion in fault.open:
        outcome, said = "OPEN", f"{said} Known: {fault.open[criterion]}"
    return Response(
        fault.id, fault.title, fault.seam, fault.unit, criterion, declared, failed,
        None if declared is None else halfway(failed), outcome, said,
    )  # fmt: skip


def _share(trials: Sequence[Trial], status: str) -> float:
    return sum(t.status == status for t in trials) / len(trials)


def _spared(found: Mapping[float, list[Trial]]) -> tuple[Outcome, str]:
    """Judge a criterion that must keep its verdict: seed by seed, at every dose."""
    before = {t.seed: t.status for t in found.get(0.0, ())}
    if not before or any(s in ("NOT_MEASURED", "FAIL") for s in before.values()):
        return "NOT_MEASURED", "Without the fault it is not measured, or fails."
    for dose, trials in sorted(found.items()):
        for t in trials:
            if t.status in ("FAIL", "NOT_MEASURED") and before[t.seed] != t.status:
                return "SPILLS", f"{t.status} at {dose:g} (seed {t.seed})."
    return "AS_DECLARED", ""


def _flipped(
    declared: float, found: Mapping[float, list[Trial]], failed: Mapping[float, float]
) -> tuple[Outcome, str]:
    """Judge a criterion that must not fail at half the dose, and must at twice."""
    half, twice = (round(step * declared, 12) for step in (STEPS[0], STEPS[-1]))
    early = [dose for dose, share in failed.items() if share > 0.0 and dose <= half]
    if not found.get(0.0) or all(t.status == "NOT_MEASURED" for t in found[0.0]):
        return "NOT_MEASURED", "Without the fault it is not measured."
    if early:
        return "EARLY", f"{100 * failed[early[0]]:.0f} % fail at {early[0]:g}."
    late = [dose for dose, share in failed.items() if share < 1.0 and dose >= twice]
    if late:
        states = sorted({t.status for t in found[late[0]]})
        return "NO_FLIP", f"At {late[0]:g}: {', '.join(states)}."
    return "AS_DECLARED", ""


def halfway(failed: Mapping[float, float]) -> float | None:
    """Return the dose at which half the seeds fail, between two doses; None beyond them."""
    points = sorted(failed.items())
    for (low, a), (high, b) in pairwise(points):
        if a < 0.5 <= b:
            return low + (high - low) * (0.5 - a) / (b - a)
    return None
