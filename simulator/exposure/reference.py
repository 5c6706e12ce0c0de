"""An external catalogue of bright stars, as it would be given to a survey."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_RADIAN
from skyassay.simulator.exposure.field import BANDS
from skyassay.simulator.exposure.motion import YEAR
from skyassay.simulator.frame import EPOCH
from skyassay.simulator.geometry import basis, to_sky
from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
#: Fainter stars are not in the catalogue, r mag.
FAINTEST = 21.5
#: Error of a place per coordinate, mas, and range of the errors of magnitudes.
PLACE_MAS, MAG_ERROR = 0.3, (0.002, 0.005)
#: Ids begin here: they are not those of the truth.
_FIRST = 800_000_000_000


def reference_catalogue(star: Table, seed: int) -> Table:
    """Return the `reference_star` product: places at J2016.0 and magnitudes with errors.

    Proper motions and parallaxes are the true ones. Every star has its own random numbers.
    """
    chosen = {n: c[star["r_mag"] < FAINTEST] for n, c in star.items()}
    ids = chosen["objectId"]
    shape = (len(ids), 2 + len(BANDS))
    drawn = np.empty(shape)
    for k, one in enumerate(ids):
        drawn[k] = rng(seed, "reference", int(one)).standard_normal(shape[1])
    years = (EPOCH - chosen["epochMjdTai"]) / YEAR
    p, east, north = basis(chosen["coord_ra"], chosen["coord_dec"])
    along = [chosen[m] * years + PLACE_MAS * drawn[:, k] for k, m in enumerate(("pmRa", "pmDec"))]
    moved = p + (east * along[0] + north * along[1]) / MAS_PER_RADIAN
    ra, dec = to_sky(moved[0], moved[1], moved[2])
    table: Table = {
        "id": _FIRST + ids,
        "coord_ra": ra,
        "coord_dec": dec,
        "epochMjdTai": np.full(len(ids), EPOCH),
        **{n: chosen[n] for n in ("pmRa", "pmDec", "parallax")},
        "raErr": np.full(len(ids), PLACE_MAS),
        "decErr": np.full(len(ids), PLACE_MAS),
    }
    low, high = MAG_ERROR
    for k, band in enumerate(BANDS):
        # Larger for fainter stars, and never outside the range.
        error = low + (high - low) * np.clip((chosen[f"{band}_mag"] - 16.0) / 6.0, 0.0, 1.0)
        table[f"{band}_mag"] = chosen[f"{band}_mag"] + error * drawn[:, 2 + k]
        table[f"{band}_magErr"] = error
    return table
