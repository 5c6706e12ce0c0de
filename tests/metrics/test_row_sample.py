"""The bounded state of rows: exact merging, whole owners, no twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.metrics.contract import state_digest
from skyassay.metrics.errors import MetricError
from skyassay.metrics.states.row_sample import RowSample, from_rows, likely, merge

ROWS = 400


def rows(index):
    """Return rows of 100 owners with four parts each."""
    return {"owner": index // 4, "part": index % 4, "x": np.sqrt(index.astype(float))}


def state(index, bound=60):
    return from_rows(("owner", "part"), rows(index), {"read": len(index)}, bound=bound)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), parts=st.integers(1, 6), bound=st.sampled_from([3, 60, 1000]))
def test_any_partition_of_owners_gives_the_same_bytes(seed, parts, bound):
    whole = state(np.arange(ROWS), bound)
    draw = np.random.default_rng(seed)
    part = draw.integers(0, parts, ROWS // 4)
    merged = RowSample(("owner", "part"), bound=bound)
    for k in draw.permutation(parts):
        mine = np.flatnonzero(part[np.arange(ROWS) // 4] == k)
        merged = merge(state(draw.permutation(mine), bound), merged)
    assert state_digest(merged) == state_digest(whole)
    assert len(whole) <= bound
    assert whole.counts["read"] == ROWS


def test_owners_stay_whole_and_the_bound_is_said():
    found = state(np.arange(ROWS))
    assert found.sampled
    assert set(np.unique(found["owner"], return_counts=True)[1]) == {4}
    assert not state(np.arange(40)).sampled


def test_likely_rows_hold_the_sample():
    owner = np.arange(1000)
    columns = {"owner": owner, "part": owner, "x": owner}
    kept = from_rows(("owner", "part"), columns, bound=60)
    chosen = likely(owner, 60)
    assert len(chosen) < 200
    some = from_rows(("owner", "part"), {k: v[chosen] for k, v in columns.items()}, bound=60)
    assert state_digest(some) == state_digest(kept)


def test_split_owners_and_twin_rows_are_refused():
    with pytest.raises(MetricError, match="two partitions"):
        merge(state(np.array([0, 1])), state(np.array([2])))
    with pytest.raises(MetricError, match="same key"):
        state(np.array([5, 5]))


def test_no_rows():
    none = RowSample(("owner", "part"), bound=60)
    assert len(none) == 0
    assert none["x"].size == 0
    assert state_digest(merge(none, state(np.arange(8)))) == state_digest(state(np.arange(8)))
