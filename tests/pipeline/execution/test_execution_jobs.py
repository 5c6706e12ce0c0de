"""Grouping of quanta, the order of jobs, and what of them may stay in memory."""

from __future__ import annotations

import errno
import uuid

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.execution.errors import reason_code, sentence
from skyassay.pipeline.execution.jobs import depth_first_order, find_held, group_quanta, job_graph


def chain_graph(visits: int, detectors: int, first: str = "exposure") -> nx.DiGraph:
    """Return isr and measure for each detector, and a summary for each visit."""
    graph = nx.DiGraph()
    for v in range(visits):
        graph.add_node(("sum", v), task_label="sum", data_id={"visit": v})
        for d in range(detectors):
            graph.add_node(("isr", v, d), task_label="isr", data_id={first: v, "detector": d})
            graph.add_node(("cal", v, d), task_label="cal", data_id={"visit": v, "detector": d})
            graph.add_edge(("isr", v, d), ("cal", v, d))
            graph.add_edge(("cal", v, d), ("sum", v))
    return graph


def test_an_exposure_joins_its_visit():
    members = group_quanta(chain_graph(2, 3), ("visit", "detector"))
    chains = sorted(len(job) for job in members.values())
    assert chains == [1, 1] + [2] * 6
    assert members["isr", 1, 2] == [("isr", 1, 2), ("cal", 1, 2)]


def test_without_dimensions_every_quantum_is_alone():
    graph = chain_graph(2, 3)
    assert all(len(job) == 1 for job in group_quanta(graph, ()).values())
    assert len(group_quanta(graph, ("tract",))) == len(graph)


def test_a_chain_that_leaves_the_detector_comes_back_as_a_new_job():
    graph = chain_graph(1, 2)
    for d in range(2):
        graph.add_node(("again", d), task_label="again", data_id={"visit": 0, "detector": d})
        graph.add_edge(("sum", 0), ("again", d))
        graph.add_edge(("isr", 0, d), ("again", d))
    members = group_quanta(graph, ("visit", "detector"))
    assert members["again", 1] == [("again", 1)]
    held = find_held_in(graph, members, makers=[("isr", 0, d) for d in range(2)])
    assert held == {}


def find_held_in(graph, members, makers):
    """Let each maker write one dataset that its successors read."""
    datasets, ids = nx.DiGraph(), {}
    for maker in makers:
        ids[maker] = uuid.uuid4()
        datasets.add_edge(maker, ids[maker])
        datasets.add_edges_from((ids[maker], reader) for reader in graph.successors(maker))
    held = find_held(datasets, {"image": ids}, members, ("image", "unknown"))
    return {job: sorted(found.values()) for job, found in held.items()}


def test_what_only_the_job_reads_is_held():
    graph = chain_graph(1, 2)
    members = group_quanta(graph, ("visit", "detector"))
    makers = [("isr", 0, 0), ("isr", 0, 1), ("cal", 0, 0), ("sum", 0)]
    assert find_held_in(graph, members, makers) == {("isr", 0, 0): [1], ("isr", 0, 1): [1]}


@given(st.integers(2, 12), st.data())
def test_any_graph_is_covered_once_and_in_order(n, data):
    edges = data.draw(
        st.sets(
            st.tuples(st.integers(0, n - 2), st.integers(1, n - 1)).filter(lambda e: e[0] < e[1])
        )
    )
    graph = nx.DiGraph(list(edges))
    for i in range(n):
        values = data.draw(st.sampled_from([{}, {"visit": 1}, {"visit": 2}, {"exposure": 1}]))
        graph.add_node(i, task_label=f"t{i:02d}", data_id=values)
    members = group_quanta(graph, ("visit",))
    assert sorted(q for job in members.values() for q in job) == list(range(n))
    jobs = job_graph(graph, members)
    order = depth_first_order(jobs)
    place = {job: i for i, job in enumerate(order)}
    assert sorted(order) == sorted(members)
    assert all(place[a] < place[b] for a, b in jobs.edges)
    for job in members.values():
        assert all(job.index(a) < job.index(b) for a, b in graph.edges if {a, b} <= set(job))


def test_the_first_visit_is_finished_before_the_second_begins():
    order = depth_first_order(chain_graph(3, 2))
    assert [node[1] for node in order] == [0] * 5 + [1] * 5 + [2] * 5


class CodedError(Exception):
    code = "NO_STARS"


def raised(*errors: BaseException) -> BaseException:
    """Raise each from the one before; return the last."""
    before = None
    for error in errors:
        try:
            raise error from before
        except Exception as caught:  # noqa: BLE001
            before = caught
    return before


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (ValueError("bad\n value"), "ValueError", "ValueError: bad value"),
        (ValueError(), "ValueError", "ValueError"),
        (CodedError("none"), "NO_STARS", "CodedError: none"),
        (raised(CodedError("x"), RuntimeError("y")), "NO_STARS", "RuntimeError: y"),
        (
            raised(OSError(errno.ENOSPC, "full"), RuntimeError("cannot serialize")),
            "DISK_FULL",
            "OSError: [Errno 28] full",
        ),
        (OSError(errno.ENOENT, "none"), "FileNotFoundError", "FileNotFoundError: [Errno 2] none"),
        (RuntimeError("database or disk is full"), "DISK_FULL", None),
        (
            raised(OSError("9 requested and 4 written"), RuntimeError("cannot serialize")),
            "DISK_FULL",
            "OSError: 9 requested and 4 written",
        ),
    ],
)
def test_an_exception_becomes_a_code_and_a_sentence(error, code, words):
    assert reason_code(error) == code
    assert words is None or sentence(error) == words
