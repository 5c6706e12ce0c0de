"""A sky of stars and galaxies with a catalog of known completeness and purity."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

M5 = 25.0


def completeness(mag):
    """Share detected at a magnitude: five-sigma threshold, unit noise."""
    return ndtr(5.0 * 10.0 ** (-0.4 * (mag - M5)) - 5.0)


def _sky(number=9000, seed=1, *, false=0, centre=(359.9, -30.0), faint=27.0):
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(number)))
    grid = np.arange(number)
    # a spacing of 60 arcsec: no pair but the wanted ones
    ra = (centre[0] + (grid % side) / 60.0) % 360.0
    dec = centre[1] + (grid // side) / 60.0
    mag = rng.uniform(18.0, faint, number)
    star = rng.random(number) < 0.3
    found = rng.random(number) < completeness(mag)
    truth = {"objectId": grid + 1, "coord_ra": ra, "coord_dec": dec, "i_mag": mag}
    off = 0.05 / 3600.0
    flux = 10 ** (0.4 * (31.4 - mag))
    objects = {
        # identifiers mean nothing
        "objectId": 10**6 + rng.permutation(number),
        "coord_ra": (ra + off * rng.standard_normal(number)) % 360.0,
        "coord_dec": dec + off * rng.standard_normal(number),
        "i_cModelFlux": flux,
        "i_cModelFluxErr": 10 ** (0.4 * (31.4 - M5)) / 5.0 * np.ones(number),
        "refExtendedness": np.where(star, 0.0, 1.0),
    }
    objects = {n: c[found] for n, c in objects.items()}
    if false:
        pick = rng.choice(len(objects["objectId"]), false)
        extra = {n: c[pick].copy() for n, c in objects.items()}
        extra["objectId"] = 5 * 10**6 + np.arange(false)
        extra["coord_dec"] = extra["coord_dec"] + 30.0 / 3600.0
        objects = {n: np.concatenate([c, extra[n]]) for n, c in objects.items()}
    return {
        "object": objects,
        "truth_star": {n: c[star] for n, c in truth.items()},
        "truth_galaxy": {n: c[~star] for n, c in truth.items()},
    }


@pytest.fixture
def sky():
    """Return a maker of skies."""
    return _sky
