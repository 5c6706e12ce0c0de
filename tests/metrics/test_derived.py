"""What is made from a state is made once, within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.family import PRODUCT
from skyassay.metrics.registry import make
from skyassay.metrics.states.derived import Derived, array_bytes
from skyassay.metrics.states.star_sample import BandStars


def test_work_is_done_once_for_each_key() -> None:
    derived, calls = Derived(), []
    for key in ("a", "b", "a"):
        assert derived.once(key, lambda key=key: calls.append(key) or np.zeros(3)).shape == (3,)
    assert calls == ["a", "b"]


def test_what_was_used_longest_ago_goes_first() -> None:
    derived, calls = Derived(bound=200), []

    def ask(key: str) -> None:
        derived.once(key, lambda: calls.append(key) or np.zeros(10))

    for key in "ababcab":
        ask(key)
    assert calls == ["a", "b", "c", "a", "b"]
    derived.once("large", lambda: np.zeros(1000))
    assert derived._size <= 200


def test_what_raises_is_not_kept() -> None:
    derived = Derived()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            derived.once("k", lambda: 1 / 0)
    assert derived.once("k", lambda: 5) == 5


def test_bytes_of_what_holds_arrays() -> None:
    column = np.zeros(4)
    stars = BandStars(*(column for _ in range(5)))
    assert array_bytes(stars) == 5 * 32
    assert array_bytes({"a": (column, [column])}) == 64
    assert array_bytes("text") == 0


def test_a_family_makes_its_pairs_once(stars, monkeypatch) -> None:
    from skyassay.metrics.astrometry import relative

    calls = []
    real = relative.pairs_at
    monkeypatch.setattr(relative, "pairs_at", lambda *a: calls.append(a[1]) or real(*a))
    rng = np.random.default_rng(1)
    ra = 150.0 + rng.uniform(-0.1, 0.1, (60, 1)) + rng.normal(0, 1e-6, (60, 5))
    metrics = [make(f"astrometry.relative.{name}") for name in ("am1", "af1", "ad1")]
    state = metrics[0].fold({PRODUCT: stars(18.0, ra, rng.uniform(-0.1, 0.1, (60, 1)))})
    for metric in metrics:
        assert metric.finish(state, {})[0].status == "MEASURED"
        metric.evidence(state)
    assert calls == [5.0]
