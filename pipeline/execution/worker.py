"""The side of a worker: long-lived state, and running the quanta of a job.

The peak memory of a quantum is what the kernel counts for the process. A worker outlives many
quanta, so the count is set back before each (Linux, `clear_refs`); where that is impossible
the number is the peak of the process so far.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsst.daf.butler import DatasetRef, Quantum
from lsst.pipe.base import QuantumSuccessCaveats, TaskFactory
from lsst.pipe.base.pipeline_graph import TaskNode
from lsst.pipe.base.quantum_graph_executor import QuantumExecutionResult
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor
from lsst.utils.threads import disable_implicit_threading

from skyassay.pipeline.execution.butlers import JobButler, PersistentButler
from skyassay.pipeline.execution.errors import UPSTREAM_FAILED, reason_code, sentence
from skyassay.pipeline.execution.graph import GraphFile
from skyassay.pipeline.execution.jobs import Job
from skyassay.pipeline.execution.outcome import Outcome, Status


@dataclass(frozen=True)
class WorkerSetup:
    """What a worker needs that does not change from job to job.

    Parameters
    ----------
    repo : str
        Repository.
    graph : str
        File of the saved graph.
    log_level : int
        Of the loggers of the Rubin packages, which fill the log datasets.
    """

    repo: str
    graph: str
    log_level: int = logging.INFO


def metadata_ref(node: TaskNode, quantum: Quantum) -> DatasetRef:
    """Return the metadata dataset of a quantum, the last that is written."""
    (ref,) = quantum.outputs[node.metadata_output.dataset_type_name]
    return ref


def status_of(metadata: Any) -> Status:
    """Return whether a finished quantum had work, from its metadata."""
    caveats = QuantumSuccessCaveats(metadata["quantum"]["caveats"])
    return Status.NO_WORK if caveats & QuantumSuccessCaveats.NO_WORK else Status.SUCCESS


def forget_peak_memory() -> None:
    """Set the kernel's count of this process's peak memory back to the present."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def missing_inputs(node: TaskNode, quantum: Quantum, absent: Collection[uuid.UUID]) -> str | None:
    """Return which input a quantum cannot do without, of those absent.

    The rule is that of `PipelineTaskConnections.adjustQuantum`: a connection with several
    inputs may lose some of them, down to its `minimum`.
    """
    inputs = {t.name: refs for t, refs in quantum.inputs.items()}
    for edge in (*node.inputs.values(), *node.prerequisite_inputs.values()):
        refs = inputs.get(edge.dataset_type_name, ())
        there = sum(ref.id not in absent for ref in refs)
        connection = getattr(node.get_connections(), edge.connection_name)
        if there < len(refs) and there < connection.minimum:
            return str(edge.dataset_type_name)
    return None


@dataclass
class _Running:
    """State of one job."""

    job: Job
    butler: JobButler
    executor: SingleQuantumExecutor
    outcomes: dict[uuid.UUID, Outcome] = field(default_factory=dict)


class WorkerContext:
    """Long-lived state of one worker thread.

    It is made in the thread that uses it: the butler's in-memory SQLite database is one per
    thread, and any other thread would see an empty one.

    Parameters
    ----------
    setup : WorkerSetup
        What to work on.
    """

    def __init__(self, setup: WorkerSetup) -> None:
        self.graph = GraphFile(setup.graph)
        self.tasks = self.graph.pipeline_graph.tasks
        self.task_factory = TaskFactory()
        types = self.graph.pipeline_graph.dataset_types.values()
        self.butler = PersistentButler.from_predicted(
            setup.repo,
            predicted_inputs=(),
            predicted_outputs=(),
            dimensions=self.graph.pipeline_graph.universe,
            datastore_records={},
            dataset_types={node.name: node.dataset_type for node in types},
        )
        # Log datasets hold what reaches the root logger: without this, warnings only.
        self._level_before = logging.getLogger("lsst").level
        logging.getLogger("lsst").setLevel(setup.log_level)
        # One thread of BLAS for each process, or N workers fight for N*N threads.
        disable_implicit_threading()

    def close(self) -> None:
        """Close the graph and the butler."""
        logging.getLogger("lsst").setLevel(self._level_before)
        self.graph.close()
        self.butler.end()

    def run(self, job: Job) -> list[Outcome]:
        """Run the quanta of a job in their order."""
        quanta = self.graph.read(quantum_id for quantum_id, _ in job.quanta)
        for quantum in quanta.values():
            self.butler.adopt(quantum)
        state = self._begin(job, quanta)
        for quantum_id, label in job.quanta:
            state.outcomes[quantum_id] = self._run_one(state, quantum_id, label, quanta[quantum_id])
        return list(state.outcomes.values())

    def _begin(self, job: Job, quanta: dict[uuid.UUID, Quantum]) -> _Running:
        butler = JobButler(self.butler, job.held, job.absent)
        again = job.attempt > 1
        # What an interrupted attempt held in memory is gone: a job with held datasets can
        # only be skipped as a whole.
        skip = again and (not job.held or self._all_finished(job, quanta))
        # A new executor for each job: it remembers all quanta it ever ran, and writes their
        # ids into each log dataset.
        executor = SingleQuantumExecutor(
            butler=None,
            task_factory=self.task_factory,
            limited_butler_factory=lambda _: butler,
            skip_existing=skip,
            clobber_outputs=True,
            # The RUN is new: nothing can be there at a first attempt.
            assume_no_existing_outputs=not again,
        )
        return _Running(job, butler, executor)

    def _all_finished(self, job: Job, quanta: dict[uuid.UUID, Quantum]) -> bool:
        refs = [metadata_ref(self.tasks[label], quanta[q]) for q, label in job.quanta]
        return all(self.butler.stored_many(refs).values())

    def _run_one(
        self, state: _Running, quantum_id: uuid.UUID, label: str, quantum: Quantum
    ) -> Outcome:
        node = self.tasks[label]
        outcome = Outcome(
            quantum_id,
            label,
            dict(quantum.dataId.required),
            Status.SUCCESS,
            worker=f"{os.uname().nodename}:{os.getpid()}",
        )
        inputs = {ref.id for refs in quantum.inputs.values() for ref in refs}
        lacks = bool(inputs & state.butler.absent)
        parents = [state.outcomes[parent] for parent in state.job.parents.get(quantum_id, ())]
        outcome.incomplete = (
            lacks or quantum_id in state.job.tainted or any(p.incomplete for p in parents)
        )
        needed = missing_inputs(node, quantum, state.butler.absent) if lacks else None
        if lacks and (needed or not state.job.drop_missing):
            outcome.status, outcome.code = Status.SKIPPED, UPSTREAM_FAILED
            outcome.error = f"Its input {needed or 'data'} was not made."
        else:
            if outcome.incomplete:
                # Without metadata the repository does not call it finished: a rerun does it
                # again, with what may then be there.
                state.butler.held[metadata_ref(node, quantum).id] = 1
            self._execute(state, node, quantum, outcome)
        if not outcome.status.is_good:
            state.butler.absent.update(r.id for refs in quantum.outputs.values() for r in refs)
        return outcome

    def _execute(self, state: _Running, node: TaskNode, quantum: Quantum, outcome: Outcome) -> None:
        outcome.attempts = state.job.attempt
        self.butler.take_written()
        forget_peak_memory()
        start = time.perf_counter()
        try:
            result = state.executor.execute(node, quantum, quantum_id=outcome.quantum_id)
        except (Exception, SystemExit) as err:  # noqa: BLE001 - the task's own code
            outcome.status = Status.FAILED
            outcome.error, outcome.code = sentence(err), reason_code(err)
            self._discard(node, quantum)
        else:
            self._take(state, node, quantum, outcome, result)
        outcome.seconds = time.perf_counter() - start
        if outcome.outputs is not None:
            outcome.outputs = self.butler.take_written()

    def _take(
        self,
        state: _Running,
        node: TaskNode,
        quantum: Quantum,
        outcome: Outcome,
        result: QuantumExecutionResult,
    ) -> None:
        """Enter what a finished quantum says about itself."""
        metadata = result.task_metadata
        if result.skipped_existing:  # by an earlier attempt whose process died
            outcome.outputs = None
        if metadata is None:
            metadata = state.butler.get(metadata_ref(node, quantum))
        outcome.status = status_of(metadata)
        outcome.memory = int(metadata["quantum"]["endMaxResidentSetSize"])

    def _discard(self, node: TaskNode, quantum: Quantum) -> None:
        """Remove what a failed quantum has written, except its log."""
        log = node.log_output.dataset_type_name if node.log_output else ""
        refs = [r for t, refs in quantum.outputs.items() if t.name != log for r in refs]
        written = [ref for ref, there in self.butler.stored_many(refs).items() if there]
        if written:
            self.butler.pruneDatasets(written, disassociate=True, unstore=True, purge=True)


_LOCAL = threading.local()


def run_job(setup: WorkerSetup, job: Job) -> list[Outcome]:
    """Run a job in this thread; the entry point on a worker."""
    if getattr(_LOCAL, "setup", None) != setup:
        close_context()
        _LOCAL.context = WorkerContext(setup)
        _LOCAL.setup = setup
    context: WorkerContext = _LOCAL.context
    return context.run(job)


def close_context() -> None:
    """Close what this thread keeps open for its last run."""
    context: WorkerContext | None = getattr(_LOCAL, "context", None)
    _LOCAL.context = _LOCAL.setup = None
    if context is not None:
        context.close()
