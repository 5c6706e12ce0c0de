"""One run from its graph to its report: execute, register, summarise."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lsst.daf.butler import Butler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

from skyassay.pipeline.execution.driver import Limits, Plan, Walk
from skyassay.pipeline.execution.errors import STOPPED, named
from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.pool import Pool, open_pool
from skyassay.pipeline.execution.register import keepable, register_outputs, remove_leftovers
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.execution.stopping import StopRequest, stop_on_signals
from skyassay.pipeline.execution.summary import put_summary
from skyassay.pipeline.execution.worker import WorkerSetup

_NOT_ENTERED = "Finished results could not be entered into the repository"

Progress = Callable[[Outcome, int, int], None]


@dataclass(frozen=True)
class Options:
    """How quanta are run; see `run_pipeline`."""

    workers: int = 2
    scheduler: str | None = None
    same: tuple[str, ...] = ("visit", "detector")
    in_memory: tuple[str, ...] = ()
    missing: str = "drop"
    progress: Progress | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def grouping(self) -> dict[str, list[str]]:
        """What a later run must know to take up this one, for the header of the graph."""
        return {"same": list(self.same), "in_memory": list(self.in_memory)}


@contextmanager
def timed(timings: dict[str, float], name: str) -> Iterator[None]:
    """Note the seconds that a part takes, also if it fails."""
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[name] = time.perf_counter() - start


@dataclass
class Session:
    """One run.

    Parameters
    ----------
    butler : Butler
        The repository, writeable.
    repo : str
        Its URI, for the workers.
    path : Path
        File of the graph.
    graph : PredictedQuantumGraph
        The graph.
    options : Options
        How to run it.
    existing : sequence of Outcome
        Quanta that earlier runs have finished, for the report.
    timings : dict
        Filled with the seconds of each part.
    """

    butler: Butler
    repo: str
    path: Path
    graph: PredictedQuantumGraph
    options: Options
    existing: Sequence[Outcome]
    timings: dict[str, float]

    def run(self, recovered: int = 0) -> RunReport:
        """Execute the quanta, and enter what is finished whatever happens meanwhile."""
        plan = Plan(self.graph, self.options.same, self.options.in_memory)
        outcomes: dict[uuid.UUID, Outcome] = {}
        registered = 0
        # Workers are ended last: after a SIGTERM there may be only seconds.
        with stop_on_signals() as stop, self._pool() as pool:
            try:
                with timed(self.timings, "execute"):
                    self._walk(plan, pool, stop, outcomes)
            finally:
                with timed(self.timings, "register"), named(_NOT_ENTERED, "NOT_REGISTERED"):
                    registered = register_outputs(self.butler, self.repo, plan, outcomes)
                    remove_leftovers(self.repo, plan, _unwanted(plan, outcomes))
            rows = sorted([*self.existing, *outcomes.values()], key=lambda o: (o.label, o.name))
            with named(_NOT_ENTERED, "NOT_REGISTERED"):
                put_summary(self.butler, self.graph.header.output_run, rows)
        self.timings["tasks"] = sum(o.seconds or 0.0 for o in outcomes.values())
        return RunReport(
            run=self.graph.header.output_run,
            output=self.graph.header.output,
            outcomes=rows,
            timings=self.timings,
            jobs=len(plan.members),
            registered=registered,
            recovered=recovered,
            stopped=stop.reason if any(o.code == STOPPED for o in rows) else "",
        )

    @contextmanager
    def _pool(self) -> Iterator[Pool]:
        """Open the pool; the seconds until it is there count as `workers`."""
        with ExitStack() as stack:
            with timed(self.timings, "workers"):
                pool = stack.enter_context(open_pool(self.options.workers, self.options.scheduler))
            yield pool

    def _walk(
        self, plan: Plan, pool: Pool, stop: StopRequest, outcomes: dict[uuid.UUID, Outcome]
    ) -> None:
        """Fill `outcomes` as they arrive."""
        progress = self.options.progress

        def record(outcome: Outcome) -> None:
            outcomes[outcome.quantum_id] = outcome
            if progress is not None:
                progress(outcome, len(outcomes), len(plan.quanta))

        setup = WorkerSetup(self.repo, str(self.path))
        drop = self.options.missing == "drop"
        Walk(plan, pool, setup, record, stop, drop, self.options.limits).run()


def _unwanted(plan: Plan, outcomes: Mapping[uuid.UUID, Outcome]) -> set[uuid.UUID]:
    """Return the quanta that were run and have to be run again, from nothing.

    Those of a stopped run are not among them: a worker may still be finishing one.
    """
    good = {q for q, outcome in outcomes.items() if outcome.status.is_good}
    lost = {q for q, outcome in outcomes.items() if outcome.status is Status.LOST}
    return (good - keepable(plan, outcomes)) | lost
