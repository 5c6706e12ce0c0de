"""Samplers of resolved sources and of false detections."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.galaxies import FALSE_ID, GALAXY_ID
from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
#: Stars and galaxies of a sample of repeated measurements; scatter of a star, mmag.
STARS, GALAXIES, STAR_MMAG = 80, 100, 5.0
BAND, SNR, ZERO_POINT = "i", 1000.0, 31.4
#: Detections of a patch of sky, and the side of a patch, degrees.
DETECTIONS, PATCH = 800, 0.35
#: Distance of false detections from the true ones' grid, in steps of the grid.
_OFF = 0.5


def draw_ratio(asked: Draw) -> Mapping[str, Table]:
    """Return stars and galaxies whose scatters have the target's ratio.

    A visit shares `asked.share` of the variance of a star; galaxies feel the same term.
    """
    draw = rng(asked.seed, "samples.galaxies.ratio")
    visits, number = asked.size, STARS + GALAXIES
    shared = np.sqrt(asked.share) * draw.standard_normal(visits)
    own = np.sqrt(np.r_[np.full(STARS, 1.0), np.full(GALAXIES, asked.target**2)] - asked.share)
    off = STAR_MMAG * (shared + own[:, None] * draw.standard_normal((number, visits)))
    mag = draw.uniform(18.0, 20.0, number)[:, None] + 1e-3 * off
    flux = 10.0 ** (0.4 * (ZERO_POINT - mag)).ravel()
    resolved = np.repeat(np.arange(number) >= STARS, visits)
    ids = np.r_[np.arange(1, STARS + 1), GALAXY_ID + np.arange(GALAXIES)]
    return {
        "matched_source": {
            "objectId": np.repeat(ids.astype(np.int64), visits),
            "visit": np.tile(np.arange(1, visits + 1, dtype=np.int64), number),
            "band": np.full(flux.size, BAND),
            "coord_ra": np.repeat(150.0 + 0.001 * np.arange(number), visits),
            "coord_dec": np.full(flux.size, -20.0),
            "psfFlux": flux,
            "psfFluxErr": flux / SNR,
            "cModelFlux": flux,
            "cModelFluxErr": flux / SNR,
            "effectiveRadius": np.where(resolved, 1.0, 0.0),
            "extendedness": np.where(resolved, 1.0, 0.0),
        }
    }


def draw_false(asked: Draw) -> Mapping[str, Table]:
    """Return patches of sky whose detections are false with the target's chance, percent.

    Patches differ: their chances follow a beta distribution, by which `asked.share` of the
    variance of a patch's number of false detections is the patch's own.
    """
    draw = rng(asked.seed, "samples.galaxies.false")
    rate = asked.target / 100.0
    chance = np.full(asked.size, rate)
    if asked.share > 0.0:
        alike = (1.0 / (1.0 - asked.share) - 1.0) / (DETECTIONS - 1.0)
        both = 1.0 / alike - 1.0
        chance = draw.beta(rate * both, (1.0 - rate) * both, asked.size)
    false = draw.random((asked.size, DETECTIONS)) < chance[:, None]
    ra, dec = _grid(asked.size)
    moved = np.where(false.ravel(), _OFF * _step(), 0.0)
    ids = np.arange(1, ra.size + 1, dtype=np.int64)
    mag = np.full(ra.size, 22.0)
    flux = 10.0 ** (0.4 * (ZERO_POINT - mag))
    objects: Table = {
        "objectId": np.where(false.ravel(), FALSE_ID, 0) + ids,
        "coord_ra": ra + moved,
        "coord_dec": dec,
        "i_cModelFlux": flux,
        "i_cModelFluxErr": flux / 50.0,
        "refExtendedness": np.zeros(ra.size),
    }
    truth: Table = {"objectId": ids, "coord_ra": ra, "coord_dec": dec, "i_mag": mag}
    half = ra.size // 2
    return {
        "object": objects,
        "truth_star": {n: c[:half] for n, c in truth.items()},
        "truth_galaxy": {n: c[half:] for n, c in truth.items()},
    }


def _step() -> float:
    """Return the spacing of detections inside a patch, degrees."""
    return 0.9 * PATCH / float(np.ceil(np.sqrt(DETECTIONS)))


def _grid(patches: int) -> tuple[Floats, Floats]:
    """Return positions in the middle of patches along the equator, patch by patch."""
    side = int(np.ceil(np.sqrt(DETECTIONS)))
    k = np.arange(DETECTIONS)
    x, y = (k % side + 0.25) * _step(), (k // side + 0.25) * _step()
    # Patches are cells of the metric's grid: 515 rings, 1029 to the ring at the equator.
    width, height = 360.0 / 1029.0, 180.0 / 515.0
    ra = 10.0 + width * (np.arange(patches)[:, None] + 0.02) + x[None, :]
    dec = -0.5 * height + 0.02 * height + np.broadcast_to(y, (patches, DETECTIONS))
    ra = ra - 10.0 + width * np.floor(10.0 / width)
    return ra.ravel(), np.ascontiguousarray(dec).ravel()


def _quarter(limit: float) -> float:
    return 0.25 * limit


_EXACT = "exact limits of a count of rare detections"
_LARGER = "of two errors, without and with a model of what visits share, the larger is taken"

SAMPLERS: tuple[Sampler, ...] = (
    Sampler("photometry.resolved.ratio_radius", draw_ratio, conservative=_LARGER),
    Sampler("photometry.resolved.ratio_diameter", draw_ratio, conservative=_LARGER),
    Sampler(
        "detection.purity.false_share",
        draw_false,
        unit="sky cell",
        comfortable=_quarter,
        conservative=_EXACT,
    ),
)
