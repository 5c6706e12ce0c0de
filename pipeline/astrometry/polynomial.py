"""Polynomials of two pixel coordinates, coefficients c[p, q] of u**p v**q."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: The highest order p + q of a distortion.
MAX_ORDER = 3


def terms(order: int, lowest: int = 0) -> tuple[tuple[int, int], ...]:
    """Return the exponents (p, q) with lowest <= p + q <= order, by order."""
    return tuple((n - q, q) for n in range(lowest, order + 1) for q in range(n + 1))


def design(u: Floats, v: Floats, exponents: tuple[tuple[int, int], ...]) -> Floats:
    """Return the columns u**p v**q: shape (n, len(exponents))."""
    if not exponents:
        return np.empty((u.size, 0))
    return np.stack([u**p * v**q for p, q in exponents], axis=1)


def evaluate(c: Floats, u: Floats, v: Floats) -> Floats:
    """Return the polynomial by Horner's rule; same shape as u and v."""
    total = np.zeros_like(u)
    for row in c[::-1]:
        inner = np.zeros_like(u)
        for value in row[::-1]:
            inner = inner * v + value
        total = total * u + inner
    return total


def gradient(c: Floats, u: Floats, v: Floats) -> tuple[Floats, Floats]:
    """Return the derivatives with respect to u and v."""
    power = np.arange(c.shape[0], dtype=float)
    by_u = (c * power[:, None])[1:]
    by_v = (c * power[None, :])[:, 1:]
    return evaluate(by_u, u, v), evaluate(by_v, u, v)


def order_of(*coefficients: Floats) -> int:
    """Return the highest order p + q of any coefficient that is not zero; 0 if all are."""
    power = np.arange(coefficients[0].shape[0])
    used = np.any([c != 0 for c in coefficients], axis=0)
    return int(np.add.outer(power, power)[used].max(initial=0))


def table(values: Floats, exponents: tuple[tuple[int, int], ...]) -> Floats:
    """Return coefficients as a square array c[p, q] of side `MAX_ORDER` + 1."""
    c = np.zeros((MAX_ORDER + 1, MAX_ORDER + 1))
    for (p, q), value in zip(exponents, values, strict=True):
        c[p, q] = value
    return c


def moved(c: Floats, u0: float, v0: float) -> Floats:
    """Return the coefficients d with d(u, v) = c(u + u0, v + v0)."""
    n = c.shape[0]
    left, right = (
        np.array(
            [[comb(p, k) * w ** (p - k) if k <= p else 0.0 for p in range(n)] for k in range(n)]
        )
        for w in (u0, v0)
    )
    return np.asarray(left @ c @ right.T)
