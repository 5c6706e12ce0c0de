"""Stars: positions, magnitudes, colours on a stellar locus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.special import ndtri

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
ARCSEC = 1.0 / 3600.0
#: Stars of the wide sky, which no single visit sees, have ids beyond this.
WIDE_ID = 1_000_000_000
#: Colours of main sequence stars, rounded, as smooth functions of g - i.
_G_I = np.array([-0.2, 0.2, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.6])
_LOCUS = {
    "u-g": np.array([1.00, 0.95, 1.05, 1.55, 2.05, 2.40, 2.55, 2.65, 2.75]),
    "g-r": np.array([-0.18, 0.15, 0.38, 0.72, 1.03, 1.30, 1.40, 1.45, 1.52]),
    "i-z": np.array([-0.06, 0.00, 0.05, 0.12, 0.22, 0.36, 0.58, 0.82, 1.10]),
    "z-y": np.array([-0.04, -0.01, 0.02, 0.06, 0.11, 0.18, 0.29, 0.41, 0.55]),
}


@dataclass(frozen=True)
class Universe:
    """Parameters of the stars of one field.

    Attributes
    ----------
    stars : int
        Stars per field.
    radius : float
        Radius of the cap they fill evenly, degrees.
    bright, faint : float
        Range of the r magnitude.
    slope : float
        Counts per magnitude grow as 10^(slope r).
    separation : float
        Least distance of two stars, arcsec: all are isolated.
    """

    stars: int = 3000
    radius: float = 1.75
    bright: float = 15.0
    faint: float = 21.3
    slope: float = 0.08
    separation: float = 3.0

    def r_magnitude(self, u: Floats) -> Floats:
        """Return r magnitudes of uniform variates."""
        low, high = 10.0 ** (self.slope * self.bright), 10.0 ** (self.slope * self.faint)
        return np.asarray(np.log10(low + u * (high - low)) / self.slope)


def g_minus_i(u: Floats) -> Floats:
    """Return the colour g - i of uniform variates: blue turn-off stars and red dwarfs."""
    blue = np.minimum(u / 0.6, 1.0 - 1e-12)
    red = np.maximum((u - 0.6) / 0.4, 1e-12)
    colour = np.where(u < 0.6, 0.75 + 0.22 * ndtri(blue), 2.0 + 0.4 * ndtri(red))
    return np.asarray(np.clip(colour, _G_I[0], _G_I[-1]))


def magnitudes(r: Floats, colour: Floats) -> dict[str, Floats]:
    """Return magnitudes in ugrizy of stars with r magnitude `r` and g - i `colour`."""
    ug, gr, iz, zy = (
        np.asarray(PchipInterpolator(_G_I, _LOCUS[k])(colour)) for k in ("u-g", "g-r", "i-z", "z-y")
    )
    g = r + gr
    i = g - colour
    return {"u": g + ug, "g": g, "r": r, "i": i, "z": i - iz, "y": i - iz - zy}


def star_table(
    universe: Universe, fields: tuple[tuple[float, float], ...], seed: int, epoch: float
) -> Table:
    """Return the `truth_star` product: stars around every field, no two too close.

    Parameters
    ----------
    universe : Universe
    fields : tuple of (ra, dec)
        Degrees.
    seed : int
    epoch : float
        MJD (TAI) of the positions; the stars do not move.

    Raises
    ------
    SimulatorError
        ``too_crowded`` when isolated stars do not fit.
    """
    parts = [_field(universe, field, seed, index) for index, field in enumerate(fields)]
    joined = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    if len(fields) > 1:
        keep = _isolated(joined["coord_ra"], joined["coord_dec"], universe.separation)
        joined = {name: column[keep] for name, column in joined.items()}
    count = joined["coord_ra"].size
    return {
        "objectId": np.arange(1, count + 1, dtype=np.int64),
        **joined,
        "epochMjdTai": np.full(count, epoch),
    }


def _field(universe: Universe, field: tuple[float, float], seed: int, index: int) -> Table:
    """Return the stars of one field."""
    draw = rng(seed, "universe", index)
    # Some spare ones replace those that fall too close to another.
    spare = universe.stars + universe.stars // 10 + 20
    u = draw.random((4, spare))
    cosine = 1.0 - u[0] * (1.0 - np.cos(np.radians(universe.radius)))
    rho, phi = np.degrees(np.arccos(cosine)), 2.0 * np.pi * u[1]
    ra, dec = offset_positions(*field, rho * np.cos(phi), rho * np.sin(phi))
    keep = np.flatnonzero(_isolated(ra, dec, universe.separation))[: universe.stars]
    if keep.size < universe.stars:
        raise SimulatorError(
            f"{universe.stars} isolated stars do not fit within {universe.radius} degrees.",
            code="too_crowded",
            hint="Ask for fewer stars or a larger radius.",
            exit_code=4,
        )
    mags = magnitudes(universe.r_magnitude(u[2][keep]), g_minus_i(u[3][keep]))
    scatter = 0.02 * draw.standard_normal((len(mags), spare))[:, keep]
    table: Table = {"coord_ra": ra[keep], "coord_dec": dec[keep]}
    return table | {f"{b}_mag": m + s for (b, m), s in zip(mags.items(), scatter, strict=True)}


def _isolated(ra: Floats, dec: Floats, separation: float) -> NDArray[np.bool_]:
    """Return which stars stay when the later one of every close pair goes."""
    from scipy.spatial import cKDTree

    pairs = cKDTree(basis(ra, dec)[0].T).query_pairs(
        np.radians(separation * ARCSEC), output_type="ndarray"
    )
    keep = np.ones(ra.size, dtype=bool)
    keep[pairs.max(axis=1)] = False
    return keep
