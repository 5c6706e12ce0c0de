"""Absolute magnitude and slope fitted to the brightness of Solar System objects.

The H, G12 system: K. Muinonen et al., Icarus 209, 542 (2010), base functions and knots of
tables 3 and 4; G1 and G2 from one slope after A. Penttila et al., P&SS 123, 117 (2016), eq. 9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skyassay.pipeline.orbits.kepler import Floats

_WIDE = np.radians([7.5, 30.0, 60.0, 90.0, 120.0, 150.0])
_NARROW = np.radians([0.0, 0.3, 1.0, 2.0, 4.0, 8.0, 12.0, 20.0, 30.0])
_ONE = (0.75, 0.33486016, 0.13410560, 0.051104756, 0.021465687, 0.0036396989)
_TWO = (0.925, 0.62884169, 0.31755495, 0.12716367, 0.022373903, 0.00016505689)
_THREE = (
    1.0,
    0.83381185,
    0.57735424,
    0.42144772,
    0.23174230,
    0.10348178,
    0.061733473,
    0.016107006,
    0.0,
)
#: G1 = _G1 G12, G2 = _G2 (1 - G12).
_G1, _G2 = 0.84293649, 0.53513350
#: Slope that is taken where it cannot be fitted.
FIDUCIAL = 0.5
#: Largest error of a slope that is worth having; and the fewest measurements.
_LARGEST, _FEWEST = 0.3, 6


class PhaseCurve(NamedTuple):
    """A fitted phase curve; errors of magnitudes in mag.

    Attributes
    ----------
    h, h_err, g12, g12_err, covariance, chi2 : float
    n_used : int
    fiducial : bool
        The slope was not fitted but taken as 0.5.
    """

    h: float
    h_err: float
    g12: float
    g12_err: float
    covariance: float
    chi2: float
    n_used: int
    fiducial: bool


def base_functions(phase: Floats) -> Floats:
    """Return the three base functions at phase angles (rad), shape (3, ...)."""
    inner = np.clip(phase, _WIDE[0], _WIDE[-1])
    one = _spline(_WIDE, _ONE, -1.9098593, -0.091328612)(inner)
    two = _spline(_WIDE, _TWO, -0.57295780, -8.6573138e-8)(inner)
    narrow = _spline(_NARROW, _THREE, -0.10630097, 0.0)
    small = phase < _WIDE[0]
    return np.stack(
        [
            np.where(small, 1.0 - 6.0 * phase / np.pi, one),
            np.where(small, 1.0 - 1.8 * phase / np.pi, two),
            np.where(phase < _NARROW[-1], narrow(np.minimum(phase, _NARROW[-1])), 0.0),
        ]
    )


def _spline(
    angles: Floats, values: tuple[float, ...], first: float, last: float
) -> Callable[[Floats], Floats]:
    """Return the cubic spline with given slopes at its ends."""
    from scipy.interpolate import CubicSpline

    made: Callable[[Floats], Floats] = CubicSpline(
        angles, values, bc_type=((1, np.array(first)), (1, np.array(last)))
    )
    return made


def brightness(phase: Floats, g12: float) -> Floats:
    """Return the brightness at phase angles (rad) over that at opposition."""
    one, two, three = base_functions(phase)
    g1, g2 = _G1 * g12, _G2 * (1.0 - g12)
    return np.asarray(g1 * one + g2 * two + (1.0 - g1 - g2) * three)


def fit_phase_curve(reduced: Floats, error: Floats, phase: Floats) -> PhaseCurve | None:
    """Return H and G12 of magnitudes at 1 AU from Sun and observer; None without any.

    Parameters
    ----------
    reduced, error : array, shape (n,)
        Magnitudes and their errors.
    phase : array, shape (n,)
        Phase angles, rad.

    Notes
    -----
    In flux both unknowns, 10^(-0.4 H) and its product with G12, are linear.
    """
    good = np.isfinite(reduced) & np.isfinite(error) & (error > 0) & np.isfinite(phase)
    if not good.any():
        return None
    reduced, error, phase = reduced[good], error[good], phase[good]
    level = float(np.median(reduced))
    flux = 10.0 ** (-0.4 * (reduced - level))
    sigma = flux * error * np.log(10.0) * 0.4
    one, two, three = base_functions(phase)
    fixed = _G2 * two + (1.0 - _G2) * three
    slope = _G1 * one - _G2 * two + (_G2 - _G1) * three
    if len(flux) >= _FEWEST:
        both = _two(flux, sigma, fixed, slope, level)
        if both is not None:
            return both
    return _one(flux, sigma, fixed + FIDUCIAL * slope, level)


def _two(
    flux: Floats, sigma: Floats, fixed: Floats, slope: Floats, level: float
) -> PhaseCurve | None:
    """Return the fit of both; None where the slope comes out badly."""
    design = np.stack([fixed, slope], axis=1) / sigma[:, None]
    normal = design.T @ design
    if np.linalg.cond(normal) > 1e12:
        return None
    covariance = np.linalg.inv(normal)
    a, b = covariance @ design.T @ (flux / sigma)
    if a <= 0:
        return None
    g12 = b / a
    turn = np.array([[-2.5 / np.log(10.0) / a, 0.0], [-g12 / a, 1.0 / a]])
    errors = turn @ covariance @ turn.T
    if not (0.0 <= g12 <= 1.0) or errors[1, 1] > _LARGEST**2:
        return None
    chi2 = float((((flux / sigma) - design @ np.array([a, b])) ** 2).sum())
    return PhaseCurve(
        level - 2.5 * float(np.log10(a)),
        float(np.sqrt(errors[0, 0])),
        float(g12),
        float(np.sqrt(errors[1, 1])),
        float(errors[0, 1]),
        chi2,
        len(flux),
        False,
    )


def _one(flux: Floats, sigma: Floats, shape: Floats, level: float) -> PhaseCurve | None:
    """Return the fit of H alone."""
    weight = shape / sigma**2
    a = float((weight * flux).sum() / (weight * shape).sum())
    if a <= 0:
        return None
    relative = float((weight * shape).sum()) ** -0.5 / a
    chi2 = float((((flux - a * shape) / sigma) ** 2).sum())
    h = level - 2.5 * float(np.log10(a))
    err = 2.5 / np.log(10.0) * relative
    return PhaseCurve(h, err, FIDUCIAL, float("nan"), float("nan"), chi2, len(flux), True)
