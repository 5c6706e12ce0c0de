"""Where the survey points: a tiling of the sky, and the programme that each field is in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Programmes in the order of their codes; all but the first are special.
PROGRAMS = (
    "main",
    "ecliptic_spur",
    "galactic_plane",
    "south_pole",
    "deep_drilling",
)
#: Visits of a field of each programme, as a share of a main-survey field's.
WEIGHTS = (1.0, 0.3, 0.2, 0.2, 0.0)
#: Deep drilling fields, (ra, dec) in deg: ELAIS S1, XMM-LSS, CDFS, COSMOS, two in EDF South.
DEEP = (
    (9.45, -44.0),
    (35.71, -4.75),
    (53.13, -28.1),
    (150.1, 2.18),
    (58.9, -49.3),
    (63.6, -47.6),
)
#: Fields on the whole sky: 7.5 deg2 each, so that round fields of 9.6 deg2 overlap.
_LATTICE = 5500
_NORTH, _SOUTH, _SPUR_NORTH = 13.0, -72.0, 30.0
#: Galactic latitude below which the plane is crowded: at the centre and away from it.
_PLANE = (12.0, 5.0)


@dataclass(frozen=True, eq=False)
class Fields:
    """The fields of the survey.

    Attributes
    ----------
    ra, dec : ndarray, shape (n,)
        Centres, deg.
    program : ndarray of int64, shape (n,)
        Index into `PROGRAMS`.
    vector : ndarray, shape (n, 3)
        Unit vectors of the centres.
    """

    ra: Floats
    dec: Floats
    program: NDArray[np.int64]
    vector: Floats


@cache
def fields() -> Fields:
    """Return every field: a spiral lattice inside the footprint, then the deep fields."""
    number = np.arange(_LATTICE)
    dec = np.degrees(np.arcsin(1.0 - (2.0 * number + 1.0) / _LATTICE))
    ra = (number * 360.0 * (np.sqrt(5.0) - 1.0) / 2.0) % 360.0
    program = footprint(ra, dec)
    inside = program >= 0
    deep = np.array(DEEP)
    ra, dec = np.r_[ra[inside], deep[:, 0]], np.r_[dec[inside], deep[:, 1]]
    code = np.r_[program[inside], np.full(len(deep), PROGRAMS.index("deep_drilling"))]
    a, d = np.radians(ra), np.radians(dec)
    vector = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=-1)
    return Fields(ra, dec, code, vector)


def footprint(ra: Floats, dec: Floats) -> NDArray[np.int64]:
    """Return the programme of each position (deg); -1 outside the survey.

    The main survey is the sky from declination -72 to 13 deg, without the crowded part of
    the Galactic plane; a spur follows the ecliptic north of it.
    """
    x, y, z = (
        np.cos(np.radians(dec)) * np.cos(np.radians(ra)),
        np.cos(np.radians(dec)) * np.sin(np.radians(ra)),
        np.sin(np.radians(dec)),
    )
    # Rotation from equatorial (ICRS) to Galactic coordinates (Hipparcos, vol. 1, 1.5.3).
    b = -0.8676661490 * x - 0.1980763734 * y + 0.4559837762 * z
    galactic = np.degrees(np.arcsin(np.clip(b, -1.0, 1.0)))
    towards_centre = -0.0548755604 * x - 0.8734370902 * y - 0.4838350155 * z
    tilt = np.radians(23.439)
    ecliptic = np.degrees(np.arcsin(np.clip(np.cos(tilt) * z - np.sin(tilt) * y, -1.0, 1.0)))
    centre, away = _PLANE
    edge = away + (centre - away) * np.clip(0.5 + 0.5 * towards_centre, 0.0, 1.0)
    crowded = np.abs(galactic) < edge
    belt = (dec >= _SOUTH) & (dec <= _NORTH)
    spur = (dec > _NORTH) & (dec <= _SPUR_NORTH) & (np.abs(ecliptic) < 10.0)
    choices = [belt & ~crowded, spur, belt & crowded, dec < _SOUTH]
    return np.asarray(np.select(choices, [0, 1, 2, 3], default=-1), dtype=np.int64)
