"""Energy radii from a curve of growth that few apertures sample."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_GRID = 20_000
#: Largest radius tabulated, in widths of the core.
_REACH = 14.0


def missing(radius: Floats, amplitude_ratio: float, width_ratio: float) -> Floats:
    """Return the share of the energy beyond a radius in units of the core's sigma.

    The double Gaussian of LPM-17, section 3.3.3.2: a core, and wings `width_ratio` times as
    wide with `amplitude_ratio` of its height.
    """
    core = 1.0 / (1.0 + amplitude_ratio * width_ratio**2)
    x = 0.5 * radius**2
    return np.asarray(core * np.exp(-x) + (1.0 - core) * np.exp(-x / width_ratio**2))


@cache
def _table(amplitude_ratio: float, width_ratio: float) -> tuple[Floats, Floats]:
    radius = np.linspace(1e-3, _REACH, _GRID)
    return -np.log(missing(radius, amplitude_ratio, width_ratio)), radius


def profile_radius(energy: Floats, profile: Mapping[str, float]) -> Floats:
    """Return the radius of the profile, in units of its core's sigma, that encloses `energy`."""
    tail, radius = _table(profile["amplitude_ratio"], profile["width_ratio"])
    return np.asarray(np.interp(-np.log1p(-np.asarray(energy)), tail, radius))


def energy_radius(
    radii: Floats,
    curve: Floats,
    energy: float,
    profile: Mapping[str, float],
    least_missing: float,
) -> Floats:
    """Return the radius that encloses `energy`, per curve; NaN where it is not bracketed.

    Parameters
    ----------
    radii : ndarray, shape (k,)
        Apertures, any unit, rising.
    curve : ndarray, shape (n, k)
        Share of the energy within each aperture.
    energy : float
        0.80, 0.95, 0.99.
    profile : mapping
        ``amplitude_ratio``, ``width_ratio``.
    least_missing : float
        Shares nearer to one are noise and count as this near.

    Notes
    -----
    Log radius is interpolated against the log radius at which the profile holds as much
    energy: exact for that profile at any size, monotone for every other. It is never
    extrapolated: a core smaller than the first aperture is not measured.
    """
    held = np.minimum(np.maximum.accumulate(curve, axis=1), 1.0 - least_missing)
    log_radius = np.log(radii)
    wanted = float(np.log(profile_radius(np.array([energy]), profile))[0])
    found = np.full(len(curve), np.nan)
    for row, shares in enumerate(held):
        if not (np.isfinite(shares).all() and 0.0 < shares[0] <= energy < shares[-1]):
            continue
        keep = np.r_[True, np.diff(shares) > 0.0]
        node = np.log(profile_radius(shares[keep], profile))
        found[row] = np.exp(np.interp(wanted, node, log_radius[keep]))
    return found
