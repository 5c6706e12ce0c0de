"""Whole patches of sky as a state: the grid, the bound, and that merging is exact."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.metrics.contract import state_digest
from skyassay.metrics.states.sky_sample import SkySample, from_rows, merge
from skyassay.metrics.statistics.sky_grid import place


def rows(n, seed, side=3.0):
    rng = np.random.default_rng(seed)
    return {
        "id": np.arange(n),
        "ra": (359.0 + side * rng.random(n)) % 360.0,
        "dec": 88.0 + 2.0 * rng.random(n),
        "mag": rng.uniform(18, 25, n),
    }


def taken(columns, index):
    return {name: column[index] for name, column in columns.items()}


def test_cells_have_nearly_one_area_and_do_not_split_at_zero():
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(0, 360, 200_000), np.degrees(np.arcsin(rng.uniform(-1, 1, 200_000)))
    count = np.unique(place(ra, dec, 10.0).cell, return_counts=True)[1]
    assert len(count) == pytest.approx(41253 / 100, rel=0.03)
    assert count.std() / count.mean() < 0.2
    assert (
        place(np.array([360.0]), np.zeros(1), 1.0).cell == place(np.zeros(1), np.zeros(1), 1).cell
    )
    assert (
        place(np.array([-0.001]), np.zeros(1), 1.0).cell
        == place(np.array([359.999]), np.zeros(1), 1).cell
    )


def test_margin_is_the_distance_to_the_nearest_side():
    found = place(np.array([0.5, 0.95]), np.array([0.5, 0.2]), 1.0)
    np.testing.assert_allclose(found.margin, [0.5, 0.05], rtol=0.01)
    pole = place(np.array([10.0, 200.0]), np.array([89.999, 89.999]), 0.1)
    assert np.all(pole.margin > 0.0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6), st.sampled_from([40, 100, 10**6]))
def test_any_partition_gives_the_same_bytes(parts, seed, bound):
    columns = {"object": rows(150, 1), "truth_star": rows(90, 2)}
    whole = from_rows(0.5, columns, {"object_rows": 150}, bound)
    rng = np.random.default_rng(seed)
    state = SkySample(0.5, row_bound=bound)
    which = {p: rng.integers(0, parts, len(c["id"])) for p, c in columns.items()}
    for k in rng.permutation(parts):
        part = {
            p: taken(c, rng.permutation(np.flatnonzero(which[p] == k))) for p, c in columns.items()
        }
        made = from_rows(0.5, part, {"object_rows": len(part["object"]["id"])}, bound)
        state = merge(made, state) if rng.random() < 0.5 else merge(state, made)
    assert state_digest(state) == state_digest(whole)


def test_the_bound_keeps_whole_cells_of_every_product():
    columns = {"object": rows(400, 1), "truth_star": rows(400, 1)}
    state = from_rows(0.5, columns, row_bound=300)
    assert state.cut is not None
    assert 0 < sum(len(t["cell"]) for t in state.tables.values()) <= 300
    cells = {p: set(t["cell"].tolist()) for p, t in state.tables.items()}
    assert cells["object"] == cells["truth_star"]
    every = place(columns["object"]["ra"], columns["object"]["dec"], 0.5).cell
    assert np.isin(every, list(cells["object"])).sum() == len(state.tables["object"]["cell"])


def test_nothing_in_nothing_out():
    empty = from_rows(0.5, {"object": rows(0, 1)})
    assert empty.tables == {}
    assert state_digest(merge(empty, SkySample(0.5))) == state_digest(SkySample(0.5))
