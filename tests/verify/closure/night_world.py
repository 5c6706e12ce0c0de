"""A made-up night of differences whose errors are exactly those that it states."""

from __future__ import annotations

from typing import Any

import numpy as np

PIXELS = 1000
SCALE = 0.2 / 3600.0


def night(
    seed: int = 1,
    visits: int = 8,
    detectors: int = 4,
    per_image: int = 40,
    *,
    width: float = 1.0,
    shift: float = 0.0,
    east: float = 0.0,
    threshold: float = 5.0,
    template: float = 0.15,
    blind: float = 0.02,
    pixels: float = 1.0,
    false: int = 30,
    ra: float = 359.95,
) -> dict[str, dict[str, Any]]:
    """Return the five tables of a night's closure.

    Parameters
    ----------
    width : float
        True scatter over the stated one.
    shift : float
        Fluxes too bright by this, relative.
    east : float
        Positions too far east, in stated errors.
    threshold : float
        S/N that detection asks for.
    template : float
        Variance of the template's noise over that of the image.
    blind : float
        Share of the places where nothing can be found.
    pixels : float
        Scatter of pixels, and of fluxes at empty places, over the stated one.
    false : int
        False detections of an image of the night itself, half of them with a low score.
    """
    rng = np.random.default_rng(seed)
    v, d, k = (a.ravel() for a in np.indices((visits, detectors, per_image)))
    n = len(v)
    perfect = np.exp(rng.uniform(np.log(3.0), np.log(20.0), n))
    error = rng.uniform(90.0, 110.0, visits)[v] * np.sqrt(1.0 + template)
    flux = perfect * error / np.sqrt(1.0 + template)
    snr = flux / error
    x, y = rng.uniform(10.0, PIXELS - 10.0, (2, n))
    # In rows of their own: farther apart than any error.
    y = 10.0 + (PIXELS - 20.0) * (k + 0.5) / per_image
    truth = {
        "visit": 100 + v,
        "detector": d,
        "band": np.where(v % 2 == 0, "r", "i"),
        "ra": (ra + x * SCALE + 0.1 * d) % 360.0,
        "dec": y * SCALE,
        "flux": flux,
        "snr": perfect,
        "seen": np.ones(n, dtype=bool),
        "hostSeparation": np.where(k % 3 == 0, np.nan, np.where(k % 3 == 1, 0.2, 1.0)),
    }
    seen = snr + width * rng.standard_normal(n)
    found = (seen > threshold) & (rng.uniform(size=n) >= blind)
    place = 0.2 / snr / 3600.0
    off = place * (width * rng.standard_normal((2, n)) + np.array([[east], [0.0]]))
    measured = {
        **{name: truth[name][found] for name in ("visit", "detector", "band")},
        "ra": ((truth["ra"] + off[0] / np.cos(np.radians(truth["dec"]))) % 360.0)[found],
        "dec": (truth["dec"] + off[1])[found],
        "raErr": place[found],
        "decErr": place[found],
        "psfFlux": (seen * error * (1.0 + shift))[found],
        "psfFluxErr": error[found],
        "reliability": rng.uniform(0.6, 1.0, int(found.sum())),
        "pixelFlags_saturated": np.zeros(int(found.sum()), dtype=bool),
    }
    return {
        "injected_dia_source": measured,
        "truth_injected_source": truth,
        **_own(rng, visits, detectors, false),
        "difference_quality": _quality(rng, visits, detectors, pixels),
    }


def _own(rng: np.random.Generator, visits: int, detectors: int, false: int) -> dict[str, Any]:
    """Return the night's own detections, 20 true ones of an image, and the truth."""
    v, d, k = (a.ravel() for a in np.indices((visits, detectors, 20 + false)))
    real = k < 20
    table = {
        "visit": 100 + v,
        "detector": d,
        "ra": 10.0 + 0.1 * d + 0.001 * k,
        "dec": np.full(len(v), 0.01),
        "snr": np.full(len(v), 10.0),
        "reliability": np.where(real | (k % 2 == 0), 0.9, 0.1),
    }
    truth = {n: table[n][real] for n in ("visit", "detector", "ra", "dec", "snr")}
    return {"dia_source": table, "truth_dia_source": truth}


def _quality(
    rng: np.random.Generator, visits: int, detectors: int, pixels: float
) -> dict[str, Any]:
    v, d = (a.ravel() for a in np.indices((visits, detectors)))
    return {
        "visit": 100 + v,
        "detector": d,
        "band": np.where(v % 2 == 0, "r", "i"),
        "pullStd": pixels * rng.normal(1.0, 0.01, len(v)),
        "skyPullStd": pixels * rng.normal(1.0, 0.05, len(v)),
        "nSky": np.full(len(v), 200),
    }
