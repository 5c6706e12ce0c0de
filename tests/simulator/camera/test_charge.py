"""Charge is neither made nor lost, except where it is drained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyassay.simulator.camera.charge import bleed, brighter_fatter

FULL = 1000.0


def test_a_bleed_goes_both_ways():
    charge = np.zeros((1, 101, 3), dtype=np.float32)
    charge[0, 50, 1] = 7000.0
    drained = bleed(charge, FULL)
    column = charge[0, :, 1]
    assert drained.sum() == 0.0
    assert column.sum() == pytest.approx(7000.0)
    assert np.flatnonzero(column == FULL).tolist() == list(range(47, 54))
    assert charge[0, :, 0].sum() == charge[0, :, 2].sum() == 0.0


def test_a_barrier_turns_charge_back_and_the_register_drains():
    charge = np.zeros((1, 20, 1), dtype=np.float32)
    charge[0, 18, 0] = 9000.0
    # To the barrier a pixel is filled; what it turns back fills the next ones.
    assert bleed(charge, FULL).sum() == 0.0
    assert np.flatnonzero(charge[0, :, 0]).tolist() == list(range(11, 20))
    charge[0, 18, 0] += 50_000.0
    drained = bleed(charge, FULL)
    assert (charge == FULL).all()
    assert drained[0, 0] == pytest.approx(59_000.0 - 20 * FULL)


def test_without_saturation_nothing_moves():
    charge = np.linspace(0, FULL, 24, dtype=np.float32).reshape(2, 4, 3)
    before = charge.copy()
    assert bleed(charge, FULL).sum() == 0.0
    assert np.array_equal(charge, before)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (2, 7, 3), elements=st.floats(0, 16384, width=32)))
def test_bleeding_conserves_charge_per_column(charge):
    before = charge.astype(np.float64).sum(axis=1)
    drained = bleed(charge, FULL)
    assert (charge <= FULL).all()
    assert (drained >= 0).all()
    assert charge.sum(axis=1, dtype=np.float64) + drained == pytest.approx(before, rel=1e-5)
    # What is drained came by the pixels next to the register: those are full.
    assert (charge[:, 0][drained > 0] == FULL).all()


def test_brighter_fatter_widens_a_star_and_conserves_charge():
    y, x = np.mgrid[-15:16, -15:16]
    star = (5e4 * np.exp(-(x**2 + y**2) / (2 * 2.0**2))).astype(np.float32)
    wide = star.copy()
    brighter_fatter(wide, 2e-7)
    assert wide.sum(dtype=np.float64) == pytest.approx(star.sum(dtype=np.float64), rel=1e-6)
    size = [np.sum(i * x**2, dtype=np.float64) / np.sum(i, dtype=np.float64) for i in (star, wide)]
    # The second moment grows by 2 sum(flow) / sum: the flow is shift/2 (q_i^2 - q_{i+1}^2).
    flow = 2e-7 / 2 * np.sum((2 * x[:, :-1] + 1) * (star[:, :-1] ** 2 - star[:, 1:] ** 2))
    assert size[1] - size[0] == pytest.approx(flow / star.sum(), rel=1e-3)
    assert size[1] > size[0] * 1.001
    brighter_fatter(star, 0.0)
    assert wide.max() < star.max()


def test_brighter_fatter_lowers_the_variance_of_a_flat():
    flat = np.random.default_rng(3).poisson(60_000.0, (200, 200)).astype(np.float32)
    after = flat.copy()
    brighter_fatter(after, 1e-7)
    expected = (1.0 - 4.0 * 1e-7 * 60_000.0) ** 2 + 4.0 * (1e-7 * 60_000.0) ** 2
    assert after[1:-1, 1:-1].var() / flat[1:-1, 1:-1].var() == pytest.approx(expected, rel=0.01)
