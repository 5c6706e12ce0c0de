"""Samplers of what is measured on images: echoes of bright stars, area of ghosts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

#: Pairs of amplifiers and bright stars in each, per visit.
PAIRS, STARS = 56, 2
#: Brightest star over the error of a faint one's flux.
BRIGHTEST = 8000.0
#: Images of a visit, and the scatter of their ghosts' area about its mean, relative.
DETECTORS, AREA_SCATTER = 9, 0.5
_MAXIMUM = "limits are simultaneous for all pairs of amplifiers, so they cover more than they say"


def draw_echoes(asked: Draw) -> Mapping[str, Table]:
    """Return places of which one pair of amplifiers couples, the brightest echo the target."""
    stream = rng(asked.seed, "samples.echoes")
    visit, pair, star = (a.ravel() for a in np.indices((asked.size, PAIRS, STARS)))
    error = stream.uniform(80.0, 120.0, len(visit))
    bright = BRIGHTEST / (1.0 + star)
    echo = np.where(pair == 0, asked.target * bright / BRIGHTEST, 0.0)
    noise = stream.standard_normal(len(visit))
    return {
        "crosstalk_residual": {
            "visit": visit.astype(np.int64),
            "detector": np.zeros(len(visit), dtype=np.int64),
            "sourceAmp": (pair // 8).astype(np.int32),
            "targetAmp": (8 + pair % 8).astype(np.int32),
            "aggressorFlux": bright * error,
            "psfFlux": (echo + noise) * error,
            "psfFluxErr": error,
        }
    }


def draw_ghosts(asked: Draw) -> Mapping[str, Table]:
    """Return images whose mean share of ghosts is the target, a part of the scatter by visit."""
    stream = rng(asked.seed, "samples.ghosts")
    visit, detector = (a.ravel() for a in np.indices((asked.size, DETECTORS)))
    shared = stream.standard_normal(asked.size)[visit]
    own = stream.standard_normal(len(visit))
    variate = np.sqrt(asked.share) * shared + np.sqrt(1.0 - asked.share) * own
    # Log-normal: areas have a long tail and are never below zero.
    spread = np.sqrt(np.log1p(AREA_SCATTER**2))
    share = asked.target / 100.0 * np.exp(spread * variate - 0.5 * spread**2)
    total = np.full(len(visit), 1_000_000, dtype=np.int64)
    return {
        "ghost_area": {
            "visit": visit.astype(np.int64),
            "detector": detector.astype(np.int64),
            "nPixel": total,
            "nPixelGhost": np.minimum(np.rint(share * total), total).astype(np.int64),
            "skyNoise": np.full(len(visit), 100.0),
        }
    }


SAMPLERS = (
    Sampler(
        metric="instrument.crosstalk.residual",
        draw=draw_echoes,
        sizes=(6, 12, 30),
        shares=(0.0,),
        power_shares=(0.0,),
        conservative=_MAXIMUM,
    ),
    Sampler(metric="instrument.ghosts.area", draw=draw_ghosts, sizes=(12, 20, 30)),
)
