"""Exact rows and exact sums: merging in any order gives the same bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.metrics.errors import MetricError
from skyassay.metrics.states import keyed_sums, unit_rows

values = st.lists(st.floats(-50, 50), min_size=1, max_size=40)


@given(values, st.integers(0, 2**31))
def test_sums_do_not_depend_on_order_or_parts(x, seed) -> None:
    rng = np.random.default_rng(seed)
    key, x = rng.integers(0, 5, len(x)), np.array(x)
    whole = keyed_sums.from_values(key, x, 1e-6, {"read": len(x)})
    turn = rng.permutation(len(x))
    cut = int(rng.integers(0, len(x) + 1))
    parts = [
        keyed_sums.from_values(key[i], x[i], 1e-6, {"read": len(i)})
        for i in (turn[:cut], turn[cut:])
    ]
    merged = keyed_sums.merge(parts[1], parts[0])
    assert merged.to_bytes() == whole.to_bytes()
    assert keyed_sums.merge(keyed_sums.KeyedSums(1e-6), whole).to_bytes() == whole.to_bytes()


def test_sums_agree_with_numpy_and_do_not_overflow() -> None:
    rng = np.random.default_rng(1)
    key, x = rng.integers(0, 3, 9000), 1500.0 + rng.normal(0, 0.3, 9000)
    sums = keyed_sums.from_values(key, x, 1e-6)
    for k in range(3):
        assert sums.mean[k] == pytest.approx(x[key == k].mean(), rel=1e-9)
        assert sums.variance[k] == pytest.approx(x[key == k].var(ddof=1), rel=1e-5)
    with pytest.raises(MetricError, match="not finite"):
        keyed_sums.from_values(np.zeros(1, dtype=int), np.array([np.nan]), 1e-6)


def test_a_single_value_has_no_variance() -> None:
    assert np.isnan(keyed_sums.from_values(np.zeros(1, dtype=int), np.ones(1), 1e-6).variance[0])


@given(st.permutations(range(8)), st.integers(0, 8))
def test_rows_do_not_depend_on_order_or_parts(turn, cut) -> None:
    columns = {
        "visit": np.arange(8) * 3,
        "band": np.array(list("ugrizygr")),
        "depth": np.array([1.0, np.nan, -0.0, 4, 5, 6, 7, 8]),
    }

    def state(index):
        part = {n: c[list(index)] for n, c in columns.items()}
        return unit_rows.from_columns(("visit",), part, {"read": len(list(index))})

    merged = unit_rows.merge(state(turn[cut:]), state(turn[:cut]))
    assert merged.to_bytes() == state(range(8)).to_bytes()
    assert merged.counts == {"read": 8}


def test_a_unit_that_is_there_twice_is_an_error() -> None:
    one = unit_rows.from_columns(("visit",), {"visit": np.array([4])})
    with pytest.raises(MetricError, match="visit 4"):
        unit_rows.merge(one, one)
