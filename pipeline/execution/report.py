"""What a run did, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skyassay.pipeline.execution.outcome import Outcome, Status

_SHOWN = 10


@dataclass(frozen=True)
class RunReport:
    """Result of `run_pipeline`.

    Parameters
    ----------
    run : str or None
        RUN collection that was written; `None` if there was nothing left to do.
    output : str
        CHAINED collection.
    outcomes : sequence of Outcome
        One for each quantum, those of earlier runs included.
    timings : mapping
        Seconds: `graph`, `prepare`, `workers`, `execute`, `register`, and
        `tasks`, the sum over quanta.
    jobs : int
        Groups of quanta that went to workers.
    registered : int
        Datasets entered into the repository.
    recovered : int
        Datasets of an earlier run, killed before it could enter them, that were entered now.
    stopped : str
        What stopped the run, as the name of a signal; empty: nothing did.
    """

    run: str | None
    output: str
    outcomes: Sequence[Outcome]
    timings: Mapping[str, float] = field(default_factory=dict)
    jobs: int = 0
    registered: int = 0
    recovered: int = 0
    stopped: str = ""

    @property
    def counts(self) -> dict[str, int]:
        """Number of quanta by status, of those statuses that occur."""
        found = Counter(outcome.status.value for outcome in self.outcomes)
        return {status.value: found[status.value] for status in Status if found[status.value]}

    @property
    def failures(self) -> list[Outcome]:
        """The quanta that failed or were lost; not those skipped because of them."""
        bad = (Status.FAILED, Status.LOST)
        return [outcome for outcome in self.outcomes if outcome.status in bad]

    @property
    def complete(self) -> bool:
        """Whether every quantum is finished, and with all its inputs."""
        return all(o.status.is_good and not o.incomplete for o in self.outcomes)

    def statement(self) -> str:
        """Return what happened, in a few lines."""
        counts = ", ".join(f"{n} {name}" for name, n in self.counts.items()) or "no quanta"
        lines = [f"{self.run or self.output}: {counts}; {self.registered} datasets registered."]
        if self.recovered:
            lines.append(f"{self.recovered} datasets of an interrupted run were recovered.")
        if self.stopped:
            lines.append(
                f"Stopped by {self.stopped}: what was finished is kept, a rerun does the rest."
            )
        lines += [
            f"{o.name}: {o.status.value}: {o.code}: {o.error}" for o in self.failures[:_SHOWN]
        ]
        if len(self.failures) > _SHOWN:
            lines.append(f"and {len(self.failures) - _SHOWN} more; quantum_summary has them all.")
        partial = sum(o.incomplete and o.status.is_good for o in self.outcomes)
        if partial:
            lines.append(f"{partial} quanta ran without inputs that failed; a rerun repeats them.")
        return "\n".join(lines)
