"""What a run leaves behind that did not end in order, and how the next one takes it up.

While a run lasts its graph lies in a file, locked by the driver. A file that nobody has locked
belongs to a run that was killed, or could not enter its outputs: quanta whose metadata is
there are finished, because that is written last; what others have written is removed. The
run's own summary gets them too, with what they cost: the clock of a night asks for it.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph, PredictedQuantumGraphComponents

from skyassay.pipeline.execution.driver import Plan
from skyassay.pipeline.execution.errors import STOPPED, named
from skyassay.pipeline.execution.outcome import Outcome, Status
from skyassay.pipeline.execution.register import (
    butler_of_files,
    keepable,
    register_outputs,
    remove_leftovers,
)
from skyassay.pipeline.execution.summary import complete_summary
from skyassay.pipeline.execution.worker import metadata_ref, status_of


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
    labels = {q: plan.quanta.nodes[q]["task_label"] for q in quanta}
    marks = {q: metadata_ref(graph.pipeline_graph.tasks[labels[q]], quanta[q]) for q in quanta}
    with butler_of_files(repo, graph, marks.values()) as files:
        there = files.stored_many(marks.values())
        outcomes = {}
        for quantum_id, mark in marks.items():
            outcomes[quantum_id] = plan.blank(quantum_id, Status.SKIPPED, STOPPED, "")
            if there[mark]:
                _finished(outcomes[quantum_id], files.get(mark))
    # What the run itself has entered stays: tables made without failed inputs, logs.
    known = {r.id for r in butler.query_all_datasets(graph.header.output_run, limit=None)}
    lost = outcomes.keys() - keepable(plan, outcomes)
    remove_leftovers(repo, plan, lost, known)
    count = register_outputs(butler, repo, plan, outcomes, known)
    for quantum_id in lost:
        outcomes[quantum_id] = plan.blank(quantum_id, Status.SKIPPED, STOPPED, "")
    complete_summary(butler, graph.header.output_run, list(outcomes.values()))
    return count


def _finished(outcome: Outcome, metadata: Any) -> None:
    """Enter what the metadata of a quantum tell, which its driver has not heard."""
    outcome.status, outcome.code, outcome.outputs = status_of(metadata), "", None
    told = metadata["quantum"]
    begin, end = (datetime.fromisoformat(told[name]) for name in ("prepUtc", "endUtc"))
    outcome.seconds = (end - begin).total_seconds()
    outcome.memory = int(told["endMaxResidentSetSize"])
    outcome.attempts = 1
