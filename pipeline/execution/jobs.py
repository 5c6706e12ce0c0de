"""Jobs: groups of quanta that run one after the other in one process."""

from __future__ import annotations

import functools
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import networkx as nx

# A visit of this project is one exposure and has its number.
_ALIASES = {"visit": "exposure"}


@dataclass(frozen=True)
class Job:
    """What travels to a worker: names only, the quanta are in the graph's file.

    Parameters
    ----------
    quanta : tuple of (uuid.UUID, str)
        Quantum and task label in the order of execution.
    parents : mapping
        What each quantum depends on inside the job.
    absent : frozenset of uuid.UUID
        Inputs that were not made because their quantum failed.
    tainted : frozenset of uuid.UUID
        Quanta with an incomplete quantum upstream of them, in another job.
    held : mapping
        Datasets that are never written, and how many read them.
    drop_missing : bool
        Run a quantum without the absent inputs where its connections allow it.
    attempt : int
        1 for the first.
    """

    quanta: tuple[tuple[uuid.UUID, str], ...]
    parents: Mapping[uuid.UUID, tuple[uuid.UUID, ...]]
    absent: frozenset[uuid.UUID] = frozenset()
    tainted: frozenset[uuid.UUID] = frozenset()
    held: Mapping[uuid.UUID, int] = field(default_factory=dict)
    drop_missing: bool = True
    attempt: int = 1


def group_quanta(graph: nx.DiGraph, same: Sequence[str]) -> dict[uuid.UUID, list[uuid.UUID]]:
    """Divide the quanta of a graph into jobs.

    A quantum joins the job of its predecessors if all of them are in that one job and their
    data IDs have equal values for the dimensions `same`, so that only chains are merged and
    no parallelism is lost. An exposure counts as the visit of its number.

    Parameters
    ----------
    graph : networkx.DiGraph
        Quanta with the attributes `task_label` and `data_id`.
    same : sequence of str
        Dimensions; empty: every quantum is its own job.

    Returns
    -------
    dict
        Quanta of each job in the order of execution, under the first one.
    """
    nodes = graph.nodes

    @functools.cache
    def values(quantum_id: uuid.UUID) -> tuple[Any, ...] | None:
        data_id = nodes[quantum_id]["data_id"]
        found = tuple(data_id.get(name, data_id.get(_ALIASES.get(name, name))) for name in same)
        return None if not same or None in found else found

    members: dict[uuid.UUID, list[uuid.UUID]] = {}
    job_of: dict[uuid.UUID, uuid.UUID] = {}
    for quantum_id in nx.lexicographical_topological_sort(
        graph, key=lambda q: nodes[q]["task_label"]
    ):
        job = quantum_id
        upstream = {job_of[parent] for parent in graph.predecessors(quantum_id)}
        if (key := values(quantum_id)) is not None and len(upstream) == 1:
            (only,) = upstream
            job = only if values(only) == key else quantum_id
        job_of[quantum_id] = job
        members.setdefault(job, []).append(quantum_id)
    return members


def job_graph(graph: nx.DiGraph, members: Mapping[uuid.UUID, Sequence[uuid.UUID]]) -> nx.DiGraph:
    """Return the dependencies between jobs."""
    job_of = {q: job for job, quanta in members.items() for q in quanta}
    jobs = nx.DiGraph()
    jobs.add_nodes_from(members)
    jobs.add_edges_from((job_of[p], job_of[q]) for p, q in graph.edges if job_of[p] != job_of[q])
    return jobs


def depth_first_order(graph: nx.DiGraph, when: Callable[[Any], Any] | None = None) -> list[Any]:
    """Return a topological order that completes one sink after another.

    All jobs of the first visit come before those of the second: results are there early, and
    little is half finished at any time.

    Parameters
    ----------
    graph : networkx.DiGraph
    when : callable, optional
        Node -> what sinks are sorted by; without it they stay in the order of the graph.
    """
    order: list[Any] = []
    seen: set[Any] = set()
    sinks = [node for node in graph if graph.out_degree(node) == 0]
    for sink in sinks if when is None else sorted(sinks, key=when):
        stack = [(sink, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack.append((node, True))
                stack += [(p, False) for p in graph.predecessors(node) if p not in seen]
    return order


def find_held(
    datasets: nx.DiGraph,
    ids_by_type: Mapping[str, Mapping[Any, uuid.UUID]],
    members: Mapping[uuid.UUID, Sequence[uuid.UUID]],
    in_memory: Collection[str],
) -> dict[uuid.UUID, dict[uuid.UUID, int]]:
    """Return, for every job, the datasets that never leave it and how many read them.

    A dataset of the types `in_memory` is held only if the graph makes it, something reads it,
    and all of that happens in one job; any other is written as usual.
    """
    job_of = {q: job for job, quanta in members.items() for q in quanta}
    held: dict[uuid.UUID, dict[uuid.UUID, int]] = defaultdict(dict)
    for name in in_memory:
        for dataset in ids_by_type.get(name, {}).values():
            makers, readers = datasets.pred[dataset], datasets.succ[dataset]
            jobs = {job_of[q] for q in (*makers, *readers)}
            if makers and readers and len(jobs) == 1:
                held[jobs.pop()][dataset] = len(readers)
    return dict(held)
