"""The frame of the survey against the celestial one, as an external catalogue shows it.

Positions in `truth_star` are in the frame that the survey's own astrometric fit realises;
the error of that frame is in the external catalogue's positions, with the other sign. So
the frame can be wrong while positions repeat as well as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_RADIAN
from skyassay.simulator.geometry import basis, to_sky
from skyassay.simulator.random import rng
from skyassay.simulator.smooth import smooth_field

Table = dict[str, NDArray[Any]]
#: J2016.0, the epoch of Gaia's third release, MJD.
EPOCH = 57388.5
_FIRST_ID = 700_000_000
#: Fainter stars are not in the external catalogue.
FAINTEST_R = 20.5


@dataclass(frozen=True)
class FrameTerms:
    """Sizes of the errors of the survey's frame.

    Attributes
    ----------
    offset_east_mas, offset_north_mas : float
        The same everywhere.
    distortion_mas : float
        Rms per coordinate of a field that all visits share at a place.
    distortion_deg : float
        Its correlation length, degrees.
    reference_mas : float
        Own error of a star of the external catalogue, per coordinate.
    """

    offset_east_mas: float = 8.0
    offset_north_mas: float = -6.0
    distortion_mas: float = 9.0
    distortion_deg: float = 0.15
    reference_mas: float = 0.3


def reference_stars(stars: Table, terms: FrameTerms, seed: int) -> Table:
    """Return the `reference_star` product of stars with true motions.

    Parameters
    ----------
    stars : dict
        `truth_star` with ``pmRa``, ``pmDec``, ``parallax``.
    terms : FrameTerms
    seed : int
    """
    bright = stars["r_mag"] < FAINTEST_R
    chosen = {name: column[bright] for name, column in stars.items()}
    ra, dec = chosen["coord_ra"], chosen["coord_dec"]
    own = rng(seed, "frame.reference").standard_normal((stars["r_mag"].size, 2))[bright]
    years = (EPOCH - chosen["epochMjdTai"]) / 365.25
    shift = []
    for k, (offset, motion) in enumerate(
        ((terms.offset_east_mas, "pmRa"), (terms.offset_north_mas, "pmDec"))
    ):
        field = terms.distortion_mas * smooth_field(ra, dec, terms.distortion_deg, seed, "frame", k)
        shift.append(chosen[motion] * years - offset - field + terms.reference_mas * own[:, k])
    p, east, north = basis(ra, dec)
    moved = p + (east * shift[0] + north * shift[1]) / MAS_PER_RADIAN
    there = to_sky(moved[0], moved[1], moved[2])
    count = ra.size
    return {
        "id": _FIRST_ID + np.arange(count, dtype=np.int64),
        "coord_ra": there[0],
        "coord_dec": there[1],
        "epochMjdTai": np.full(count, EPOCH),
        **{name: chosen[name] for name in ("pmRa", "pmDec", "parallax")},
        "raErr": np.full(count, terms.reference_mas),
        "decErr": np.full(count, terms.reference_mas),
        **{f"{band}_mag": chosen[f"{band}_mag"] for band in "gri"},
    }
