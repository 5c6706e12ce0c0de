"""Queues against a plain simulation and known cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.clock.queues import Calendar, by_pool, by_worker, in_turn

JOBS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), min_size=1, max_size=30)


def arrays(jobs):
    return np.array([r for r, _ in jobs]), np.array([c for _, c in jobs])


@given(JOBS)
def test_one_server_is_a_loop_over_the_jobs(jobs):
    free, expected = -np.inf, []
    for ready, cost in jobs:
        free = max(ready, free) + cost
        expected.append(free)
    assert in_turn(*arrays(jobs)) == pytest.approx(expected, abs=1e-9)
    assert by_pool(*arrays(jobs), 1) == pytest.approx(expected, abs=1e-9)


def test_cost_below_the_cadence_never_waits_and_above_it_piles_up():
    ready = 34.0 * np.arange(100)
    assert in_turn(ready, np.full(100, 33.0)) - ready == pytest.approx(33.0)
    late = in_turn(ready, np.full(100, 40.0)) - ready
    assert late == pytest.approx(40.0 + 6.0 * np.arange(100))


def test_a_pool_of_as_many_workers_as_jobs_never_waits():
    ready, cost = np.array([0.0, 0.0, 1.0]), np.array([5.0, 7.0, 9.0])
    assert by_pool(ready, cost, 3) == pytest.approx(ready + cost)
    assert by_pool(ready, cost, 2) == pytest.approx([5.0, 7.0, 14.0])


@given(JOBS, st.integers(1, 4), st.data())
def test_in_a_pool_nobody_gains_by_a_dearer_job(jobs, workers, data):
    ready, cost = arrays(jobs)
    dearer = cost.copy()
    dearer[data.draw(st.integers(0, len(jobs) - 1))] += 3.0
    assert np.all(by_pool(ready, dearer, workers) >= by_pool(ready, cost, workers))


def test_own_workers_do_not_disturb_each_other():
    ready = np.array([0.0, 0.0, 1.0, 1.0])
    cost = np.array([10.0, 1.0, 10.0, 1.0])
    done = by_worker(ready, cost, np.array([7, 3, 7, 3]))
    assert done == pytest.approx([10.0, 1.0, 20.0, 2.0])


def test_an_outage_holds_what_is_under_way_and_what_comes():
    line = Calendar([(10.0, 25.0)])
    ready, cost = np.array([0.0, 8.0, 12.0, 40.0]), np.array([1.0, 5.0, 2.0, 1.0])
    # 8 -> 2 s before the outage, 3 s after it: 28; the next follows; the last is far from it.
    assert line.through(ready, cost) == pytest.approx([1.0, 28.0, 30.0, 41.0])


def test_what_costs_nothing_still_waits_for_the_end_of_an_outage():
    line = Calendar([(10.0, 25.0)])
    at = np.array([9.0, 10.0, 20.0, 25.0, 26.0])
    assert line.through(at, np.zeros(5)) == pytest.approx([9.0, 25.0, 25.0, 25.0, 26.0])


def test_outages_that_overlap_are_one():
    ready, cost = np.array([9.0]), np.array([2.0])
    two = Calendar([(12.0, 20.0), (10.0, 15.0)]).through(ready, cost)
    assert two == pytest.approx(Calendar([(10.0, 20.0)]).through(ready, cost)) == [21.0]


@given(
    JOBS,
    st.lists(st.tuples(st.floats(0, 150), st.floats(0.1, 30)), max_size=4),
)
def test_outages_are_a_loop_over_time_too(jobs, outages):
    spans = [(begin, begin + length) for begin, length in outages]
    ready, cost = arrays(jobs)

    def skip(time):
        for begin, end in sorted(spans):
            time = end if begin <= time < end else time
        return time

    free, expected = -np.inf, []
    for r, c in zip(np.sort(ready), cost, strict=True):
        now, left = skip(max(r, free)), c
        while left > 1e-12:
            following = [begin for begin, _ in spans if begin > now]
            step = min(left, min(following, default=np.inf) - now)
            now, left = now + step, left - step
            now = skip(now) if left > 1e-12 else now
        free = now
        expected.append(now)
    assert Calendar(spans).through(np.sort(ready), cost) == pytest.approx(expected, abs=1e-6)
