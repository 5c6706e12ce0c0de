"""States to bytes and back: exact, and nothing but the expected classes comes out."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skyassay.metrics.states.codec import NotCodable, decode, encode


@dataclass(frozen=True)
class Inner:
    numbers: np.ndarray
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    parts: Mapping[str, Inner] = field(default_factory=dict)
    by_key: dict[tuple[str, int], Any] = field(default_factory=dict)
    note: object = field(default=None, compare=False)


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**200), 2**200),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.binary(max_size=4),
    st.fractions(),
)
trees = st.recursive(values, lambda t: st.tuples(t, t) | st.lists(t, max_size=3), max_leaves=8)
arrays = hnp.arrays(
    st.sampled_from(["<i8", "<f8", "?", "<U3", "<u8"]), hnp.array_shapes(min_side=0, max_dims=2)
)


@given(st.dictionaries(st.tuples(st.sampled_from("gri"), st.integers()), trees), arrays)
def test_what_goes_in_comes_out(tree, array) -> None:
    state = Outer({"r": Inner(array, "x")}, tree, note=object())
    back = decode(Outer, encode(state))
    assert back.by_key == tree
    assert back.note is None
    found = back.parts["r"]
    assert (found.name, found.numbers.dtype, found.numbers.shape) == (
        "x",
        array.dtype,
        array.shape,
    )
    assert found.numbers.tobytes() == array.tobytes()
    assert type(found) is Inner


def test_floats_keep_every_bit_and_scalars_their_type() -> None:
    odd = [-0.0, float("inf"), 5e-324, 0.1, np.float32(0.1), np.int16(3)]
    back = decode(Outer, encode(Outer(by_key={("x", 0): odd}))).by_key["x", 0]
    assert list(map(repr, back)) == list(map(repr, odd))
    nan = encode(Outer(by_key={("x", 0): float("nan")}))
    assert np.isnan(decode(Outer, nan).by_key["x", 0])


@pytest.mark.parametrize("odd", [{1}, object(), np.array([object()]), print, 1 + 2j])
def test_what_is_no_state_is_refused(odd) -> None:
    with pytest.raises(NotCodable):
        encode(Outer(by_key={("x", 0): odd}))


def test_another_class_does_not_come_out() -> None:
    head = json.dumps({"tree": {"c": "subprocess:Popen", "v": {"args": "true"}}, "arrays": []})
    data = struct.pack("<q", len(head)) + head.encode()
    with pytest.raises(NotCodable):
        decode(Outer, data)
    with pytest.raises(NotCodable):
        decode(Inner, encode(Outer()))


@given(st.binary(max_size=40), st.integers(0, 60))
def test_damaged_bytes_are_refused_or_harmless(noise, cut) -> None:
    data = encode(Outer({"r": Inner(np.arange(3))}))
    for broken in (noise, data[:cut], data + b"x"):
        with pytest.raises(NotCodable):
            decode(Outer, broken)
