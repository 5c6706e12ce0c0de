"""One run from its graph to its report: execute, register, summarise."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lsst.daf.butler import Butler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

from skyassay.pipeline.execution.driver import Limits, Plan, Walk
from skyassay.pipeline.execution.errors import (
    DISK_FULL,
    STOPPED,
    ExecutionError,
    reason_code,
    sentence,
)
from skyassay.pipeline.execution.outcome import Outcome
from skyassay.pipeline.execution.pool import open_pool
from skyassay.pipeline.execution.register import register_outputs
from skyassay.pipeline.execution.report import RunReport
from skyassay.pipeline.execution.stopping import stop_on_signals
from skyassay.pipeline.execution.summary import put_summary
from skyassay.pipeline.execution.worker import WorkerSetup

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
        stopped, registered = "", 0
        try:
            with timed(self.timings, "execute"):
                stopped = self._walk(plan, outcomes)
        finally:
            with timed(self.timings, "register"), _named():
                registered = register_outputs(self.butler, self.repo, plan, outcomes)
        self.timings["tasks"] = sum(o.seconds or 0.0 for o in outcomes.values())
        header = self.graph.header
        rows = sorted([*self.existing, *outcomes.values()], key=lambda o: (o.label, o.name))
        with _named():
            put_summary(self.butler, header.output_run, rows)
        return RunReport(
            run=header.output_run,
            output=header.output,
            outcomes=rows,
            timings=self.timings,
            jobs=len(plan.members),
            registered=registered,
            recovered=recovered,
            stopped=stopped,
        )

    def _walk(self, plan: Plan, outcomes: dict[uuid.UUID, Outcome]) -> str:
        """Fill `outcomes`; return what stopped the walk."""
        options = self.options

        def record(outcome: Outcome) -> None:
            outcomes[outcome.quantum_id] = outcome
            if options.progress is not None:
                options.progress(outcome, len(outcomes), len(plan.quanta))

        with stop_on_signals() as stop, open_pool(options.workers, options.scheduler) as pool:
            setup = WorkerSetup(self.repo, str(self.path))
            drop = options.missing == "drop"
            Walk(plan, pool, setup, record, stop, drop, options.limits).run()
        return stop.reason if any(o.code == STOPPED for o in outcomes.values()) else ""


@contextmanager
def _named() -> Iterator[None]:
    """Say in words that results could not be entered; the next run takes them up."""
    try:
        yield
    except Exception as err:
        code = DISK_FULL if reason_code(err) == DISK_FULL else "NOT_REGISTERED"
        raise ExecutionError(
            f"Finished results could not be entered into the repository: {sentence(err)}",
            code=code,
            hint="Mend that and run the same again: what is finished is taken up.",
        ) from err
