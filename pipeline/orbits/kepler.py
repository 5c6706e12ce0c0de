"""Two-body motion about the Sun in universal variables: ellipse, parabola and hyperbola alike.

Formulae: R. H. Battin, An Introduction to the Mathematics and Methods of Astrodynamics
(1999), sections 4.5 and 4.6; the root is found by Laguerre's method as B. A. Conway
(Celestial Mechanics 39, 199, 1986) proposed it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.orbits.errors import OrbitError

Floats = NDArray[np.float64]
#: Gaussian gravitational constant squared, AU**3 / d**2.
MU = 0.01720209895**2
#: Below this the closed forms of the Stumpff functions lose digits and the series is exact.
_SERIES = 0.1
_ROUNDS = 60


def stumpff(psi: Floats) -> tuple[Floats, Floats]:
    """Return the Stumpff functions c2 and c3 of psi, any shape."""
    small = np.abs(psi) < _SERIES
    up, down = np.where(psi >= _SERIES, psi, 1.0), np.where(psi <= -_SERIES, -psi, 1.0)
    a, b = np.sqrt(up), np.sqrt(down)
    c2 = np.where(psi > 0, (1.0 - np.cos(a)) / up, (np.cosh(b) - 1.0) / down)
    c3 = np.where(psi > 0, (a - np.sin(a)) / (a * up), (np.sinh(b) - b) / (b * down))
    x = np.where(small, psi, 0.0)
    s2 = 1 / 2 - x * (1 / 24 - x * (1 / 720 - x * (1 / 40320 - x * (1 / 3628800 - x / 479001600))))
    s3 = 1 / 6 - x * (
        1 / 120 - x * (1 / 5040 - x * (1 / 362880 - x * (1 / 39916800 - x / 6227020800)))
    )
    return np.where(small, s2, c2), np.where(small, s3, c3)


def propagate(position: Floats, velocity: Floats, days: Floats) -> tuple[Floats, Floats]:
    """Return heliocentric states some days later.

    Parameters
    ----------
    position, velocity : array, shape (..., 3)
        AU and AU/d.
    days : array
        Broadcasts with the leading shape.

    Returns
    -------
    position, velocity : array, shape (..., 3)

    Raises
    ------
    OrbitError
        ``no_convergence`` where the equation of motion was not solved.
    """
    r0 = np.sqrt((position * position).sum(axis=-1))
    sigma = (position * velocity).sum(axis=-1) / np.sqrt(MU)
    alpha = 2.0 / r0 - (velocity * velocity).sum(axis=-1) / MU
    r0, sigma, alpha, dt = np.broadcast_arrays(r0, sigma, alpha, days)
    dt = _within_period(dt, alpha)
    chi = _anomaly(np.sqrt(MU) * dt, r0, sigma, alpha)
    psi = alpha * chi * chi
    c2, c3 = stumpff(psi)
    r = r0 + sigma * chi * (1.0 - psi * c3) + (1.0 - alpha * r0) * chi * chi * c2
    f, g = 1.0 - chi * chi * c2 / r0, dt - chi**3 * c3 / np.sqrt(MU)
    fdot, gdot = np.sqrt(MU) / (r * r0) * chi * (psi * c3 - 1.0), 1.0 - chi * chi * c2 / r
    new = f[..., None] * position + g[..., None] * velocity
    return new, fdot[..., None] * position + gdot[..., None] * velocity


def _within_period(days: Floats, alpha: Floats) -> Floats:
    """Return the time less whole revolutions, within half a period of zero."""
    period = 2.0 * np.pi / np.sqrt(MU) * np.where(alpha > 0, alpha, 1.0) ** -1.5
    return np.asarray(np.where(alpha > 0, days - period * np.round(days / period), days))


def _anomaly(scaled: Floats, r0: Floats, sigma: Floats, alpha: Floats) -> Floats:
    """Return the universal anomaly chi of a time sqrt(mu) dt."""
    size = np.sqrt(np.maximum(np.abs(alpha), 1e-6))
    # Within half a period of an ellipse; on hyperbolas it stays in the range of cosh.
    high = np.where(alpha > 0, 2.0 * np.pi, 20.0) / size
    low = -high
    # The mean motion is right on average at any point of an ellipse, r0 only near perihelion.
    chi = np.clip(np.where(alpha > 0, scaled * alpha, scaled / r0), 0.99 * low, 0.99 * high)
    for _ in range(_ROUNDS):
        psi = alpha * chi * chi
        c2, c3 = stumpff(psi)
        slope = r0 + sigma * chi * (1.0 - psi * c3) + (1.0 - alpha * r0) * chi * chi * c2
        bend = sigma * (1.0 - psi * c2) + (1.0 - alpha * r0) * chi * (1.0 - psi * c3)
        miss = r0 * chi * (1.0 - psi * c3) + sigma * chi * chi * c2 + chi**3 * c3 - scaled
        root = np.sqrt(np.abs(16.0 * slope * slope - 20.0 * miss * bend))
        step = -5.0 * miss / (slope + np.copysign(root, slope))
        # The left side grows with chi everywhere: a step beyond what is known is halved instead.
        low, high = np.where(miss < 0, chi, low), np.where(miss > 0, chi, high)
        wild = (chi + step < low) | (chi + step > high)
        step = np.where(wild, 0.5 * (low + high) - chi, step)
        chi = chi + step
        if np.all(np.abs(step) <= 1e-13 * (1.0 + np.abs(chi))):
            return np.asarray(chi)
    if np.all(np.abs(step) <= 1e-9 * (1.0 + np.abs(chi))):
        return np.asarray(chi)
    raise OrbitError(
        f"The equation of motion was not solved for {int((~(np.abs(step) <= 1e-9)).sum())} orbits.",
        code="no_convergence",
        hint="Look for elements or times that are not finite.",
    )
