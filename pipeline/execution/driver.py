"""The walk over the graph of jobs: what runs next, what after a death, when to stop."""

from __future__ import annotations

import concurrent.futures
import heapq
import logging
import queue
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

from skyassay.pipeline.execution.errors import (
    STOPPED,
    WORKER_LOST,
    ExecutionError,
    reason_code,
    sentence,
)
from skyassay.pipeline.execution.jobs import (
    Job,
    depth_first_order,
    find_held,
    group_quanta,
    job_graph,
)
from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.pool import LOSSES, Pool
from skyassay.pipeline.execution.stopping import StopRequest
from skyassay.pipeline.execution.worker import WorkerSetup, run_job

_LOG = logging.getLogger(__name__)

# Two jobs a worker keep it busy while the driver reacts; more only help if jobs take
# milliseconds, and put more of them at risk when a process dies.
JOBS_PER_WORKER = 2


@dataclass
class Plan:
    """The graph of quanta and its jobs.

    Parameters
    ----------
    graph : PredictedQuantumGraph
        What to run.
    same : tuple of str
        Dimensions whose equal values may share a job.
    in_memory : tuple of str
        Dataset types that need not be written if all their readers are in the job.
    """

    graph: PredictedQuantumGraph
    same: tuple[str, ...] = ()
    in_memory: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.quanta = self.graph.quantum_only_xgraph
        self.datasets = self.graph.bipartite_xgraph
        self.members = group_quanta(self.quanta, self.same)
        self.jobs = job_graph(self.quanta, self.members)
        ids = self.graph.datasets_by_type
        self.held = find_held(self.datasets, ids, self.members, self.in_memory)

    def when(self, job: uuid.UUID) -> tuple[int, int, str]:
        """Return what jobs are begun in the order of: visit, detector, task.

        In one process that is the order in which they run, so a visit finds in a database
        what the visits before it have entered.
        """
        node = self.quanta.nodes[self.members[job][-1]]
        named = dict(node["data_id"].required)
        visit = named.get("visit", named.get("exposure"))
        # What is of no visit needs them all, or none.
        first = sys.maxsize if visit is None else int(visit)
        return first, int(named.get("detector", -1)), str(node["task_label"])

    def blank(self, quantum_id: uuid.UUID, status: Status, code: str, error: str) -> Outcome:
        """Return the outcome of a quantum that no worker reported."""
        node = self.quanta.nodes[quantum_id]
        data_id = dict(node["data_id"].required)
        return Outcome(quantum_id, node["task_label"], data_id, status, code=code, error=error)


@dataclass
class Limits:
    """Patience of the driver.

    Parameters
    ----------
    attempts : int
        How often a job is begun whose process dies; the last time with nothing beside it.
    no_worker : float
        Seconds without any worker after which the run is given up.
    grace : float
        Seconds that running jobs get to end after a request to stop.
    """

    attempts: int = 3
    no_worker: float = 300.0
    grace: float = 5.0


@dataclass
class Walk:
    """One walk over the jobs of a plan.

    Parameters
    ----------
    plan : Plan
        The jobs.
    pool : Pool
        Where they run.
    setup : WorkerSetup
        What the workers need.
    record : callable
        Called with each outcome as it arrives.
    stop : StopRequest
        Asked before each job.
    drop_missing : bool
        Run quanta without inputs that failed, where their connections allow it.
    limits : Limits
        Patience.
    """

    plan: Plan
    pool: Pool
    setup: WorkerSetup
    record: Callable[[Outcome], None]
    stop: StopRequest
    drop_missing: bool = True
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        jobs = self.plan.jobs
        self.outcomes: dict[uuid.UUID, Outcome] = {}
        self._rank = {job: i for i, job in enumerate(depth_first_order(jobs, self.plan.when))}
        self._waiting_for = {job: jobs.in_degree(job) for job in jobs}
        self._ready = [(self._rank[job], job) for job in jobs if not self._waiting_for[job]]
        heapq.heapify(self._ready)
        self._deaths: Counter[uuid.UUID] = Counter()
        self._suspects: list[uuid.UUID] = []  # to be run alone, at the end
        self._in_flight: dict[concurrent.futures.Future[list[Outcome]], uuid.UUID] = {}
        self._done: queue.SimpleQueue[concurrent.futures.Future[list[Outcome]]] = (
            queue.SimpleQueue()
        )
        self._seen_workers = time.monotonic()

    def run(self) -> dict[uuid.UUID, Outcome]:
        """Run all jobs, or those finished when a stop was asked for."""
        try:
            while (self._ready or self._in_flight or self._suspects) and not self.stop.asked:
                self._fill()
                if self._in_flight and (future := self._next(1.0)) is not None:
                    self._receive(future)
            if self.stop.asked:
                self._drain()
        finally:
            for future in self._in_flight:
                future.cancel()
        for quantum_id in self.plan.quanta.nodes:
            if quantum_id not in self.outcomes:
                error = f"The run was stopped by {self.stop.reason}."
                self._keep(self.plan.blank(quantum_id, Status.SKIPPED, STOPPED, error))
        return self.outcomes

    def _fill(self) -> None:
        """Submit what the workers can take, or one suspect with nothing beside it."""
        now = time.monotonic()
        if size := self.pool.size():
            self._seen_workers = now
        elif now - self._seen_workers > self.limits.no_worker:
            raise ExecutionError(
                f"There was no worker for {self.limits.no_worker:.0f} s.",
                code="NO_WORKER",
                hint="Look at the workers' own log; what is finished has been kept.",
            )
        while self._ready and len(self._in_flight) < max(1, JOBS_PER_WORKER * size):
            self._submit(heapq.heappop(self._ready)[1])
            if self.stop.asked:
                return
        if self._suspects and not self._in_flight:
            self._submit(self._suspects.pop())

    def _submit(self, job: uuid.UUID) -> None:
        future = self.pool.submit(run_job, self.setup, self._make_job(job))
        self._in_flight[future] = job
        future.add_done_callback(self._done.put)

    def _make_job(self, job: uuid.UUID) -> Job:
        graph, members = self.plan.quanta, self.plan.members[job]
        inside = set(members)
        absent: set[uuid.UUID] = set()
        tainted: set[uuid.UUID] = set()
        for quantum_id in members:
            for parent in graph.predecessors(quantum_id):
                if parent in inside:
                    continue
                if not self.outcomes[parent].status.is_good:
                    absent.update(self.plan.datasets.successors(parent))
                elif self.outcomes[parent].incomplete:
                    tainted.add(quantum_id)
        return Job(
            quanta=tuple((q, graph.nodes[q]["task_label"]) for q in members),
            parents={q: tuple(inside.intersection(graph.predecessors(q))) for q in members},
            absent=frozenset(absent),
            tainted=frozenset(tainted),
            held=self.plan.held.get(job, {}),
            drop_missing=self.drop_missing,
            attempt=self._deaths[job] + 1,
        )

    def _next(self, seconds: float) -> concurrent.futures.Future[list[Outcome]] | None:
        try:
            return self._done.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None

    def _receive(self, future: concurrent.futures.Future[list[Outcome]]) -> None:
        """Take the outcomes of a job, or find out why there are none."""
        job = self._in_flight.pop(future)
        try:
            outcomes = future.result()
        except (Exception, concurrent.futures.CancelledError) as err:  # noqa: BLE001 - any of a pool
            if type(err).__name__ in LOSSES:
                self._mourn(job)
                return
            # Not the task, whose errors are caught on the worker: something could not be
            # read or set up there, and doing it again would not help.
            text, code = sentence(err), reason_code(err)
            outcomes = [
                self.plan.blank(q, Status.FAILED, code, text) for q in self.plan.members[job]
            ]
        self._finish(job, outcomes)

    def _mourn(self, job: uuid.UUID) -> None:
        """Repeat a job whose process died, or one beside it; alone at last, and then no more."""
        self._deaths[job] += 1
        deaths = self._deaths[job]
        label = self.plan.quanta.nodes[self.plan.members[job][0]]["task_label"]
        _LOG.warning("The process of a job (%s...) died, time %d.", label, deaths)
        if deaths < self.limits.attempts - 1:
            heapq.heappush(self._ready, (self._rank[job], job))
        elif deaths < self.limits.attempts:
            self._suspects.append(job)
        else:
            error = f"Its process died {deaths} times."
            lost = [
                self.plan.blank(q, Status.LOST, WORKER_LOST, error) for q in self.plan.members[job]
            ]
            for outcome in lost:
                outcome.attempts = deaths
            self._finish(job, lost)

    def _finish(self, job: uuid.UUID, outcomes: Iterable[Outcome]) -> None:
        """Keep the outcomes of a job and release what waited for it."""
        for outcome in outcomes:
            self._keep(outcome)
        for child in self.plan.jobs.successors(job):
            self._waiting_for[child] -= 1
            if not self._waiting_for[child]:
                heapq.heappush(self._ready, (self._rank[child], child))

    def _keep(self, outcome: Outcome) -> None:
        self.outcomes[outcome.quantum_id] = outcome
        self.record(outcome)

    def _drain(self) -> None:
        """Let the jobs that workers have taken end, for as long as the grace lasts.

        What they finish after that is in the files, and the next run takes it up.
        """
        end = time.monotonic() + self.limits.grace
        while self._in_flight and time.monotonic() < end:
            future = self._next(end - time.monotonic())
            if future is not None and future in self._in_flight and not future.cancelled():
                job = self._in_flight.pop(future)
                if future.exception() is None:
                    self._finish(job, future.result())
