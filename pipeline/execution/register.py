"""Entering finished outputs into the repository, in bulk, from the driver alone."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from lsst.daf.butler import Butler, DatasetRef, QuantumBackedButler
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

from skyassay.pipeline.execution.driver import Plan
from skyassay.pipeline.execution.outcome import Outcome, Status


def keepable(plan: Plan, outcomes: Mapping[uuid.UUID, Outcome]) -> set[uuid.UUID]:
    """Return the quanta that the repository may call finished.

    Good ones; but what made a held dataset only with all that read it: else a rerun would
    leave out the maker, and the reader would find no input.
    """
    held = {dataset for job in plan.held.values() for dataset in job}
    keep = {q for q, outcome in outcomes.items() if outcome.status.is_good}
    changed = True
    while changed:  # a maker left out may itself read a held dataset
        before = len(keep)
        for dataset in held:
            readers = plan.datasets.successors(dataset)
            if any(q not in keep or outcomes[q].incomplete for q in readers):
                keep.difference_update(plan.datasets.predecessors(dataset))
        changed = len(keep) != before
    return keep


def find_outputs(
    plan: Plan, outcomes: Mapping[uuid.UUID, Outcome], which: Collection[uuid.UUID]
) -> list[DatasetRef]:
    """Return the datasets that quanta wrote, with the storage classes of the repository."""
    types = {
        node.name: node.dataset_type for node in plan.graph.pipeline_graph.dataset_types.values()
    }
    held = {dataset for job in plan.held.values() for dataset in job}
    refs = []
    for quantum_id, quantum in plan.graph.build_execution_quanta(which).items():
        written = outcomes[quantum_id].outputs
        for dataset_type, some in quantum.outputs.items():
            # A task may declare another storage class than the repository.
            registered = types[dataset_type.name].storageClass
            refs += [
                ref.overrideStorageClass(registered)
                for ref in some
                if (ref.id in written if written is not None else ref.id not in held)
            ]
    return refs


def register_outputs(
    butler: Butler,
    repo: str,
    plan: Plan,
    outcomes: Mapping[uuid.UUID, Outcome],
    known: Collection[uuid.UUID] = (),
) -> int:
    """Enter the outputs of finished quanta, and the logs of failed ones, into the repository.

    The files are where they belong already; one transaction enters them, or none of them.

    Parameters
    ----------
    butler : Butler
        The repository, writeable.
    repo : str
        Its URI.
    plan : Plan
        The graph.
    outcomes : mapping
        What became of its quanta.
    known : collection of uuid.UUID
        Datasets that are in the repository already.

    Returns
    -------
    int
        Number of datasets.
    """
    keep = keepable(plan, outcomes)
    keep |= {q for q, o in outcomes.items() if o.status is Status.FAILED and o.outputs}
    refs = [ref for ref in find_outputs(plan, outcomes, keep) if ref.id not in known]
    if not refs:
        return 0
    with butler_of_files(repo, plan.graph, refs) as source:
        return len(butler.transfer_from(source, refs, transfer="auto", skip_missing=True))


def remove_leftovers(
    repo: str, plan: Plan, which: Collection[uuid.UUID], known: Collection[uuid.UUID] = ()
) -> None:
    """Remove the files of quanta that the repository will not call finished.

    Parameters
    ----------
    repo : str
        Repository.
    plan : Plan
        The graph.
    which : collection of uuid.UUID
        Quanta.
    known : collection of uuid.UUID
        Datasets that are in the repository and stay.
    """
    if not which:
        return
    quanta = plan.graph.build_execution_quanta(which)
    refs = [r for q in quanta.values() for some in q.outputs.values() for r in some]
    with butler_of_files(repo, plan.graph, refs) as files:
        there = files.stored_many(ref for ref in refs if ref.id not in known)
        stale = [ref for ref, exists in there.items() if exists]
        if stale:
            files.pruneDatasets(stale, disassociate=True, unstore=True, purge=True)


def butler_of_files(
    repo: str, graph: PredictedQuantumGraph, refs: Collection[DatasetRef]
) -> QuantumBackedButler:
    """Return a butler that finds the files by their predicted names."""
    return QuantumBackedButler.from_predicted(
        repo,
        predicted_inputs=[ref.id for ref in refs],
        predicted_outputs=(),
        dimensions=graph.pipeline_graph.universe,
        datastore_records={},
        dataset_types={n.name: n.dataset_type for n in graph.pipeline_graph.dataset_types.values()},
    )
