"""A made-up processed simulation whose errors are exactly those that it states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

SCALE, PIXELS = 0.2, 1024
PSF_SIGMA = 1.7
#: S/N 5 at this magnitude.
LIMIT = 24.0


def world(
    seed: int = 1,
    visits: int = 7,
    detectors: int = 3,
    stars: int = 900,
    ra: float = 359.99,
    *,
    noise: float = 1.0,
    offset: float = 0.0,
    east: float = 0.0,
    zero: float = 1.0,
    size: float = 0.0,
    deeper: float = 0.0,
) -> dict[str, dict[str, Any]]:
    """Return the four tables of closure.

    Parameters
    ----------
    noise : float
        True scatter of fluxes and positions over the stated one.
    offset, east : float
        Magnitudes too faint by so many mmag, places too far east by so many mas.
    zero : float
        Scatter of zero points, mmag.
    size : float
        Stars larger than the PSF by so many per cent.
    deeper : float
        Detection finds stars fainter by so many magnitudes.
    """
    rng = np.random.default_rng(seed)
    band = np.array(["r", "i"])
    b, v, d, s = (a.ravel() for a in np.indices((2, visits, detectors, stars)))
    visit = 100 * (b + 1) + v
    # Stars of a detector stay where they are on the sky: more faint ones, all well apart.
    side = int(np.ceil(np.sqrt(stars)))
    step = (PIXELS - 80) / side
    x = 40 + step * (np.arange(stars) % side + 0.5)
    y = 40 + step * (np.arange(stars) // side + 0.5)
    mag = np.stack([rng.uniform(17.0, 26.0, stars) for _ in range(detectors)])
    true_ra = (ra + x * SCALE / 3600.0)[s] + 0.2 * d
    true_dec = (y * SCALE / 3600.0)[s]
    flux = 10 ** ((31.4 - mag[d, s]) / 2.5)
    # S/N 5 at the limit, the star's own light included.
    sky = 10 ** ((31.4 - LIMIT) / 2.5) * (np.sqrt(0.02**2 + 4.0 / 25.0) - 0.02) / 2.0
    error = np.sqrt(sky**2 + 0.02 * sky * flux)
    measured = flux * 10 ** (-0.4 * offset / 1000) + noise * error * rng.standard_normal(len(flux))
    snr = flux / error
    place = PSF_SIGMA * SCALE / snr / 3600.0
    found = measured / error > 5.0 * 10 ** (-0.4 * deeper)
    truth = {
        "visit": visit,
        "detector": d,
        "objectId": d * stars + s,
        "band": band[b],
        "isStar": np.ones(len(s), dtype=bool),
        "x": x[s],
        "y": y[s],
        "coord_ra": true_ra % 360.0,
        "coord_dec": true_dec,
        "mag": mag[d, s],
        "flux": flux,
    }
    n = int(found.sum())
    shift = east / 3.6e6 / np.cos(np.radians(true_dec))
    width = PSF_SIGMA * (1.0 + 0.5 / snr[found] * rng.standard_normal(n))
    source = {
        **{k: truth[k][found] for k in ("visit", "detector", "band")},
        "coord_ra": (true_ra + shift + noise * place * rng.standard_normal(len(s)))[found] % 360.0,
        "coord_dec": (true_dec + noise * place * rng.standard_normal(len(s)))[found],
        "raErr": place[found],
        "decErr": place[found],
        "psfFlux": measured[found],
        "psfFluxErr": error[found],
        "ixx": width**2 * (1.0 + size / 100.0) ** 2,
        "iyy": width**2 * (1.0 + size / 100.0) ** 2,
        "ixxPSF": np.full(n, PSF_SIGMA**2),
        "iyyPSF": np.full(n, PSF_SIGMA**2),
        "calib_psf_reserved": (s % 5 == 0)[found],
        "pixelFlags_saturated": np.zeros(n, dtype=bool),
    }
    images = {"visit": visit[::stars], "detector": d[::stars], "band": band[b[::stars]]}
    m = len(images["visit"])
    said = {
        **images,
        "zeroPoint": 31.0 + zero / 1000 * rng.standard_normal(m),
        "xSize": np.full(m, PIXELS),
        "ySize": np.full(m, PIXELS),
        "psfSigma": np.full(m, PSF_SIGMA),
    }
    true = {
        **images,
        "zeroPoint": np.full(m, 31.0),
        "magLim": np.full(m, LIMIT),
        "psfSigma": np.full(m, PSF_SIGMA) * rng.normal(1.0, 1e-3, m),
    }
    return {
        "source": source,
        "truth_source": truth,
        "visit_detector_table": said,
        "truth_visit_detector": true,
    }


@pytest.fixture(scope="session")
def make_world():
    return world
