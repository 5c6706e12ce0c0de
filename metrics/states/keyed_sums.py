"""A state of exact sums per key: count, sum and sum of squares in whole numbers.

Floating-point sums depend on the order of their terms; these do not. Values are rounded to
a stated step first, and squares are added in two halves, because an int64 would overflow
after a few rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.errors import MetricError

Ints = NDArray[np.int64]
#: A value in steps must fit here, so that the halves of its square do.
_LARGEST = 2**31 - 1
_HALF = 32


def _none() -> Ints:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class KeyedSums:
    """Sums per integer key, sorted by key.

    Attributes
    ----------
    step : float
        Values are kept as multiples of this, in their own unit.
    key, count, total, square_high, square_low : ndarray of int64, shape (n_keys,)
        Squares in steps squared are ``square_high * 2**32 + square_low``.
    counts : mapping
        Name -> whole number of rows left out, added up on merge.
    """

    step: float
    key: Ints = field(default_factory=_none)
    count: Ints = field(default_factory=_none)
    total: Ints = field(default_factory=_none)
    square_high: Ints = field(default_factory=_none)
    square_low: Ints = field(default_factory=_none)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def mean(self) -> NDArray[np.float64]:
        """Return the mean per key."""
        return np.asarray(self.total / np.maximum(self.count, 1) * self.step)

    @property
    def variance(self) -> NDArray[np.float64]:
        """Return the variance per key with n - 1; NaN for a single value."""
        out = np.full(len(self.key), np.nan)
        many = self.count > 1
        # Python integers: the difference of two large numbers must stay exact.
        n = self.count[many].astype(object)
        squares = self.square_high[many].astype(object) * 2**_HALF + self.square_low[many]
        spread = n * squares - self.total[many].astype(object) ** 2
        out[many] = np.array(spread / (n * (n - 1)), dtype=np.float64) * self.step**2
        return out

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        arrays = (self.key, self.count, self.total, self.square_high, self.square_low)
        named = [f"{k}={v}".encode() for k, v in sorted(self.counts.items()) if v]
        return b"\0".join([repr(self.step).encode(), *(a.tobytes() for a in arrays), *named])


def from_values(
    keys: NDArray[np.int64],
    values: NDArray[np.float64],
    step: float,
    counts: Mapping[str, int] | None = None,
) -> KeyedSums:
    """Return the sums of finite values.

    Raises
    ------
    MetricError
        ``value_too_large`` when a value is not within 2^31 steps.
    """
    steps = np.rint(np.asarray(values, dtype=np.float64) / step)
    if not (np.abs(steps) <= _LARGEST).all():
        raise MetricError(
            f"A value is not finite or beyond {_LARGEST} steps of {step}.",
            code="value_too_large",
            hint="Refuse such rows before they are added up, and count them.",
        )
    whole = steps.astype(np.int64)
    square = whole * whole
    high, low = square >> _HALF, square & (2**_HALF - 1)
    ones = np.ones(len(whole), dtype=np.int64)
    return _summed(step, np.asarray(keys, np.int64), (ones, whole, high, low), counts or {})


def merge(a: KeyedSums, b: KeyedSums) -> KeyedSums:
    """Return the sums of both."""
    counts = {k: a.counts.get(k, 0) + b.counts.get(k, 0) for k in {*a.counts, *b.counts}}
    pairs = ((getattr(a, n), getattr(b, n)) for n in ("key", *_SUMS))
    key, *columns = (np.concatenate(pair) for pair in pairs)
    return _summed(a.step, key, tuple(columns), counts)


_SUMS = ("count", "total", "square_high", "square_low")


def _summed(
    step: float, key: Ints, columns: tuple[Ints, ...], counts: Mapping[str, int]
) -> KeyedSums:
    """Return columns added up by key; the low halves carry into the high ones."""
    if not len(key):
        return KeyedSums(step, counts=dict(counts))
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0])
    count, total, high, low = (np.add.reduceat(c[order], starts) for c in columns)
    high = high + (low >> _HALF)
    low = low & (2**_HALF - 1)
    return KeyedSums(step, key[order][starts], count, total, high, low, dict(counts))
