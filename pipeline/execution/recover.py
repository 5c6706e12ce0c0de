"""What a run leaves behind that did not end in order, and how the next one takes it up.

While a run lasts its graph lies in a file, locked by the driver. A file that nobody has locked
belongs to a run that was killed, or could not enter its outputs: quanta whose metadata is
there are finished, because that is written last; what others have written is removed.
"""

from __future__ import annotations

import fcntl
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from lsst.daf.butler import Butler, DatasetRef, Quantum
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph, PredictedQuantumGraphComponents

from skyassay.pipeline.execution.driver import Plan
from skyassay.pipeline.execution.errors import named
from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.register import butler_of_files, keepable, register_outputs
from skyassay.pipeline.execution.worker import metadata_ref


def graph_path(folder: Path, run: str) -> Path:
    """Return the file of a run's graph."""
    return folder / f"{run}.qg"


@contextmanager
def saved(components: PredictedQuantumGraphComponents, path: Path) -> Iterator[Path]:
    """Write a graph to its file and hold the lock.

    It appears under its name only when it is whole and locked.
    """
    new = path.parent / ".new" / path.name
    with named("The graph of quanta could not be written", "GRAPH_NOT_WRITTEN"):
        new.parent.mkdir(parents=True, exist_ok=True)
        components.write(str(new))
    with locked(new):
        new.rename(path)
        with suppress(OSError):  # another run into the same chain may be at this point too
            new.parent.rmdir()
        yield path


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a file's lock; yield whether it could be had."""
    with path.open("r+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def recover(butler: Butler, repo: str, folder: Path, output: str) -> int:
    """Enter what interrupted runs into `output` have finished; remove what they have not.

    Returns
    -------
    int
        Datasets entered.
    """
    count = 0
    for path in sorted((folder / output).glob("*.qg")):
        run = f"{output}/{path.stem}"
        with locked(path) as ours:
            if ours:
                if butler.collections.query_info(run, include_summary=False):
                    count += _recover_run(butler, repo, path)
                path.unlink()
    return count


def _recover_run(butler: Butler, repo: str, path: Path) -> int:
    with PredictedQuantumGraph.open(str(path)) as reader:
        reader.read_all()
        graph = reader.finish()
    options = graph.header.metadata
    plan = Plan(graph, tuple(options["same"]), tuple(options["in_memory"]))
    quanta = graph.build_execution_quanta()
    written = {q: [r for refs in quanta[q].outputs.values() for r in refs] for q in quanta}
    refs = [ref for some in written.values() for ref in some]
    with butler_of_files(repo, graph, refs) as files:
        there = files.stored_many(refs)
        outcomes = {q: _outcome(plan, q, quanta[q], there) for q in quanta}
        # What the run itself has entered stays: tables made without failed inputs, logs.
        known = {r.id for r in butler.query_all_datasets(graph.header.output_run, limit=None)}
        unfinished = written.keys() - keepable(plan, outcomes)
        stale = [r for q in unfinished for r in written[q] if there[r] and r.id not in known]
        if stale:
            files.pruneDatasets(stale, disassociate=True, unstore=True, purge=True)
    return register_outputs(butler, repo, plan, outcomes)


def _outcome(
    plan: Plan, quantum_id: uuid.UUID, quantum: Quantum, there: Mapping[DatasetRef, bool]
) -> Outcome:
    """Return what the files say of a quantum."""
    label = plan.quanta.nodes[quantum_id]["task_label"]
    finished = there[metadata_ref(plan.graph.pipeline_graph.tasks[label], quantum)]
    status = Status.SUCCESS if finished else Status.SKIPPED
    return Outcome(quantum_id, label, dict(quantum.dataId.required), status, outputs=None)
