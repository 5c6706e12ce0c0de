"""Samplers of absolute positions, CCD coordinates, fitted motions and time stamps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
#: Patches of the sky lie this far apart, degrees; stars of a patch so far, arcsec.
APART, SPACING = 2.0, 6.0
DEC = -30.0
EPOCH, DAY = 61000.0, 1.0
MAS_PER_DEGREE = 3.6e6
MS_PER_DAY = 8.64e7
#: Patches that one visit sees, and images with five reference stars each.
PATCHES_PER_VISIT, STARS_PER_IMAGE = 4, 5
VISITS_PER_NIGHT = 8
STARS_PER_CELL = 8
#: Median of the absolute value of a normal, and 95th percentile of the length of two.
HALF_NORMAL = float(ndtri(0.75))
RAYLEIGH_95 = float(np.sqrt(-2.0 * np.log(0.05)))
_CONSERVATIVE = "shared shares are bounded from above, and the variances of two crossings add"


def sky_and_visits(size: int, stars: int) -> tuple[NDArray[np.intp], ...]:
    """Return visit, patch and star of every measurement: each visit sees a few patches."""
    seen = min(PATCHES_PER_VISIT, size)
    visit, k, star = (a.ravel() for a in np.indices((size, seen, stars)))
    patch = (visit + k * max(size // seen, 1)) % size
    return visit, patch, star + stars * patch


def _crossed(asked: Draw, sigma: float, stars: int, module: str, *, by_image: bool) -> Table:
    """Return errors east and north (mas): half of the share by visits, half by patches."""
    visit, patch, star = sky_and_visits(asked.size, stars)
    draw = rng(asked.seed, module, asked.size)
    half = np.sqrt(asked.share / 2.0)
    errors: Table = {"visit": visit, "patch": patch, "star": star}
    image = visit * asked.size + patch
    for name in ("east", "north"):
        shared = draw.standard_normal((2, asked.size))
        own = draw.standard_normal(asked.size**2)[image] if by_image else None
        own = draw.standard_normal(len(visit)) if own is None else own
        total = half * (shared[0][visit] + shared[1][patch]) + np.sqrt(1.0 - asked.share) * own
        errors[name] = sigma * total
    return errors


def _catalogues(errors: Table, size: int, stars: int) -> dict[str, Table]:
    """Return `matched_source` and `reference_star` with these errors."""
    ids = np.arange(size * stars)
    patch, number = ids // stars, ids % stars
    # Some patches lie across RA 0.
    ra = np.mod(359.0 + APART * patch + SPACING / 3600.0 * number, 360.0)
    dec = np.full(ids.size, DEC)
    star = errors["star"]
    cosine = np.cos(np.radians(DEC))
    count = star.size
    source: Table = {
        "objectId": star + 1,
        "visit": errors["visit"] + 1,
        "detector": errors["patch"],
        "band": np.full(count, "r"),
        "coord_ra": np.mod(ra[star] + errors["east"] / MAS_PER_DEGREE / cosine, 360.0),
        "coord_dec": dec[star] + errors["north"] / MAS_PER_DEGREE,
        "psfFlux": np.full(count, 1.0e5),
        "psfFluxErr": np.full(count, 1.0e2),
        "extendedness": np.zeros(count),
        "epochMjdTai": np.full(count, EPOCH),
    }
    reference: Table = {
        "id": ids + 1,
        "coord_ra": ra,
        "coord_dec": dec,
        "epochMjdTai": np.full(ids.size, EPOCH),
        "pmRa": np.zeros(ids.size),
        "pmDec": np.zeros(ids.size),
    }
    return {"matched_source": source, "reference_star": reference}


def _stars(size: int) -> int:
    """Return stars per patch, so that there are enough of them for the recipe."""
    return max(3, -(-36 // size))


def draw_median(asked: Draw) -> Mapping[str, Table]:
    """Return positions whose median absolute error per coordinate is the target, mas."""
    stars = _stars(asked.size)
    sigma = asked.target / HALF_NORMAL
    errors = _crossed(asked, sigma, stars, "samples.absolute", by_image=False)
    return _catalogues(errors, asked.size, stars)


def draw_rms(asked: Draw) -> Mapping[str, Table]:
    """Return positions whose rms error per coordinate is the target, arcsec."""
    stars = _stars(asked.size)
    errors = _crossed(asked, 1e3 * asked.target, stars, "samples.rms", by_image=False)
    return _catalogues(errors, asked.size, stars)


def draw_wcs(asked: Draw) -> Mapping[str, Table]:
    """Return CCD images, each with one error, 5 % of them longer than the target, mas."""
    sigma = asked.target / RAYLEIGH_95
    errors = _crossed(asked, sigma, STARS_PER_IMAGE, "samples.wcs", by_image=True)
    return _catalogues(errors, asked.size, STARS_PER_IMAGE)


def _motions(red: bool) -> Callable[[Draw], Mapping[str, Table]]:
    def draw(asked: Draw) -> Mapping[str, Table]:
        cell = np.repeat(np.arange(asked.size), STARS_PER_CELL)
        count, sigma = cell.size, asked.target
        random = rng(asked.seed, "samples.motions", asked.size)
        errors = [
            sigma
            * (
                np.sqrt(asked.share) * random.standard_normal(asked.size)[cell]
                + np.sqrt(1.0 - asked.share) * random.standard_normal(count)
            )
            for _ in range(3)
        ]
        fitted: Table = {
            "objectId": np.arange(count) + 1,
            "ra": np.mod(359.0 + APART * cell, 360.0),
            "dec": np.full(count, DEC),
            **dict(zip(("parallax", "raPM", "decPM"), errors, strict=True)),
            "firstEpochMjdTai": np.full(count, EPOCH),
            "lastEpochMjdTai": np.full(count, EPOCH + 3652.5),
        }
        truth: Table = {name: np.zeros(count) for name in ("parallax", "pmRa", "pmDec")}
        truth |= {f"{band}_mag": np.full(count, 27.0) for band in "ugrizy"}
        truth |= {("y_mag" if red else "r_mag"): np.full(count, 21.35 if red else 24.0)}
        truth["objectId"] = fitted["objectId"]
        return {"isolated_star_stellar_motions": fitted, "truth_motion": truth}

    return draw


def _clock(error: Floats) -> Mapping[str, Table]:
    """Return visits whose times are wrong by these amounts (night, visit), ms."""
    nights, visits = error.shape
    true = EPOCH + 0.1 + np.arange(nights)[:, None] * DAY + 0.0005 * np.arange(visits)
    ids = np.arange(true.size)
    return {
        "visit_table": {"visit": ids, "expMidptMJD": (true + error / MS_PER_DAY).ravel()},
        "truth_visit": {"visit": ids, "trueMidptMJD": true.ravel()},
    }


def draw_tacabs(asked: Draw) -> Mapping[str, Table]:
    """Return times whose rms error is the target, ms; nights share a part."""
    draw = rng(asked.seed, "samples.tacabs", asked.size)
    night = draw.standard_normal((asked.size, 1))
    own = draw.standard_normal((asked.size, VISITS_PER_NIGHT))
    error = np.sqrt(asked.share) * night + np.sqrt(1.0 - asked.share) * own
    return _clock(asked.target * error)


def draw_tacrel(asked: Draw) -> Mapping[str, Table]:
    """Return times whose differences within a night have the target as rms error, ms.

    The shared part is a drift of the clock through the night, at a rate of the night's own.
    """
    draw = rng(asked.seed, "samples.tacrel", asked.size)
    ramp = np.arange(VISITS_PER_NIGHT) - (VISITS_PER_NIGHT - 1) / 2.0
    ramp = ramp / ramp.std(ddof=1)
    rate = draw.standard_normal((asked.size, 1)) * ramp
    own = draw.standard_normal((asked.size, VISITS_PER_NIGHT))
    error = np.sqrt(asked.share) * rate + np.sqrt(1.0 - asked.share) * own
    night = 5.0 * draw.standard_normal((asked.size, 1))
    return _clock(asked.target / np.sqrt(2.0) * error + night)


def _sampler(metric: str, draw: Any, unit: str, sizes: tuple[int, ...]) -> Sampler:
    return Sampler(metric, draw, unit=unit, sizes=sizes, conservative=_CONSERVATIVE)


_CROSSED, _CELL = "visit and sky cell", "sky cell"
SAMPLERS: tuple[Sampler, ...] = (
    _sampler("astrometry.absolute.aa1", draw_median, _CROSSED, (6, 12, 30)),
    _sampler("astrometry.absolute.rms", draw_rms, _CROSSED, (6, 12, 30)),
    _sampler("astrometry.wcs.accuracy", draw_wcs, _CROSSED, (6, 12, 30)),
    _sampler("astrometry.motion.parallax", _motions(red=False), _CELL, (6, 12, 30)),
    _sampler("astrometry.motion.proper_motion", _motions(red=False), _CELL, (6, 12, 30)),
    _sampler("astrometry.motion.parallax_red", _motions(red=True), _CELL, (6, 12, 30)),
    _sampler("timing.clock.tacabs", draw_tacabs, "night", (3, 6, 12, 30)),
    _sampler("timing.clock.tacrel", draw_tacrel, "night", (3, 6, 12, 30)),
)
