"""A small polynomial correction to world coordinates, on the sky."""

from __future__ import annotations

import numpy as np

from skyassay.pipeline.astrometry.nominal import from_coefficients
from skyassay.pipeline.astrometry.polynomial import (
    MAX_ORDER,
    evaluate,
    gradient,
    moved,
    table,
    terms,
)
from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats
from skyassay.pipeline.astrometry.wcs import SkyWcs


def scaled(size: tuple[int, int], x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return offsets from the image's centre in units of half its size."""
    half = max(size) / 2.0
    return (x - (size[0] - 1) / 2.0) / half, (y - (size[1] - 1) / 2.0) / half


def corrected(start: SkyWcs, correction: Floats, order: int) -> SkyWcs:
    """Return the WCS of the start's gnomonic coordinates plus a correction (2, k), arcsec.

    The point of contact stays, so that nothing turns even at the pole; the reference pixel
    moves to where that point now falls, and the polynomial is expanded about it.
    """
    half = max(start.size) / 2.0
    centre = [(n - 1) / 2.0 for n in start.size]
    scale = np.array([half ** (p + q) for p, q in terms(order)])
    identity_u, identity_v = start.a.copy(), start.b.copy()
    identity_u[1, 0] += 1.0
    identity_v[0, 1] += 1.0
    plane = np.tensordot(start.cd, np.stack([identity_u, identity_v]), axes=1)
    for axis in (0, 1):
        extra = table(correction[axis] / scale / ARCSEC, terms(order))
        plane[axis] += moved(extra, start.crpix[0] - centre[0], start.crpix[1] - centre[1])
    u, v = _root(plane)
    expanded = np.stack([moved(part, u, v) for part in plane])
    exponents = terms(MAX_ORDER, 1)
    p, q = (list(w) for w in zip(*exponents, strict=True))
    crpix = (start.crpix[0] + u, start.crpix[1] + v)
    return from_coefficients(expanded[:, p, q], exponents, start.crval, crpix, start.size)


def _root(plane: Floats) -> tuple[float, float]:
    """Return where two polynomials (2, 4, 4) vanish, by Newton's iteration from 0."""
    at = np.zeros(2)
    for _ in range(10):
        u, v = at[:1], at[1:]
        value = np.array([evaluate(c, u, v)[0] for c in plane])
        slope = np.array([[d[0] for d in gradient(c, u, v)] for c in plane])
        step = np.linalg.solve(slope, value)
        at = at - step
        if np.abs(step).max() < 1e-9:
            break
    return float(at[0]), float(at[1])
