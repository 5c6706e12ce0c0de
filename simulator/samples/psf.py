"""Samplers of the point-spread function: few stars per image, images in nights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.simulator.psf_observe import PIXEL, RADII
from skyassay.simulator.psf_terms import FWHM, PsfTerms, enclosed, energy_radius
from skyassay.simulator.random import rng
from skyassay.simulator.samples.model import Draw, Sampler, Table

Floats = NDArray[np.float64]
TERMS = PsfTerms()
VISITS_PER_NIGHT, DETECTORS = 2, 9
#: Scatter of radii, and of the logarithm of correlations, between images.
WINGS, CORRELATION = 0.02, 0.3
#: Seeing of every image, arcsec; small enough to count for SE1, wide enough for SR1.
SEEING = 0.72
SE2, TE3, TE4 = 0.07, 4e-5, 2e-7
#: Groups of two stars in an image where groups and where whole images share a residual; the
#: error of a star's distortion.
GROUPS, FAR_GROUPS, NOISE = 30, 12, 1.5e-4


def _visits(asked: Draw) -> Table:
    """Return the visits, `VISITS_PER_NIGHT` per night and band."""
    bands = np.array(list(asked.targets))
    night = np.repeat(np.arange(asked.size), VISITS_PER_NIGHT)
    turn = np.tile(np.arange(VISITS_PER_NIGHT), asked.size)
    mjd = 61_000.0 + night + 0.01 * turn
    n = len(night)
    table: Table = {
        "visit": 1 + np.arange(n * len(bands), dtype=np.int64),
        "band": np.repeat(bands, n),
        "expMidptMJD": np.tile(mjd, len(bands)),
        "zenithDistance": np.full(n * len(bands), 5.0),
    }
    return table


def _mixed(asked: Draw, name: str, *shape: int) -> Floats:
    """Return unit normal variates, shape (bands, visits, ...), of which nights share `share`."""
    draw = rng(asked.seed, name)
    bands, n = len(asked.targets), asked.size * VISITS_PER_NIGHT
    night = draw.standard_normal((bands, asked.size, *[1] * len(shape)))
    own = draw.standard_normal((bands, n, *shape))
    return np.asarray(
        np.sqrt(asked.share) * np.repeat(night, VISITS_PER_NIGHT, axis=1)
        + np.sqrt(1.0 - asked.share) * own
    )


def _each(asked: Draw, of: Callable[[float], float]) -> Floats:
    """Return a number for every band from its target."""
    return np.array([of(t) for t in asked.targets.values()])


def _source(visits: Table, stars: int, columns: Mapping[str, NDArray[Any]]) -> dict[str, Table]:
    """Return the tables: `columns` have the shape (visits, stars)."""
    n = len(visits["visit"]) * stars
    no = np.zeros(n, dtype=bool)
    table: Table = {
        "sourceId": np.arange(n, dtype=np.int64),
        "visit": np.repeat(visits["visit"], stars),
        "band": np.repeat(visits["band"], stars),
        "psfFlux": np.full(n, 1e6),
        "psfFluxErr": np.full(n, 1e3),
        "extendedness": np.zeros(n),
        "calib_psf_reserved": ~no,
        "calib_psf_used": no,
        **{name: np.asarray(c).ravel() for name, c in columns.items()},
    }
    return {"source": table, "visit_table": visits}


def _moments(name: str, e: Floats) -> dict[str, Floats]:
    """Return second moments at the seeing of the samples of distortions, shape (2, ...)."""
    size = (SEEING / FWHM / PIXEL) ** 2
    # The determinant, and so the seeing, does not depend on the distortion.
    size = size / np.sqrt(1.0 - e[0] ** 2 - e[1] ** 2)
    return {
        f"ixx{name}": size * (1.0 + e[0]),
        f"ixy{name}": size * e[1],
        f"iyy{name}": size * (1.0 - e[0]),
    }


def _energy(energy: float) -> Callable[[Draw], Mapping[str, Table]]:
    """Return the draw of a radius: the SRD's profile in the size that gives the target."""

    def draw(asked: Draw) -> Mapping[str, Table]:
        visits = _visits(asked)
        stars = 10
        z = _mixed(asked, "samples.psf.energy")
        radius = _each(asked, float)[:, None] * np.exp(WINGS * z - 0.5 * WINGS**2)
        core = radius.ravel() / energy_radius(energy, TERMS) * SEEING / 0.69
        held = enclosed(np.array(RADII)[:, None, None] * PIXEL / core[:, None], TERMS)
        noise = rng(asked.seed, "samples.psf.flux").standard_normal((len(core), stars))
        # A star's brightness is its own and leaves its curve of growth as it is.
        flux = 1e6 * (1.0 + 0.1 * noise)
        columns: dict[str, NDArray[Any]] = {
            f"ap{r:02d}Flux": held[k] * flux for k, r in enumerate(RADII)
        }
        return _source(visits, stars, columns | _moments("", np.zeros((2, len(core), stars))))

    return draw


def _ellipticity(sigma: Callable[[float], float]) -> Callable[[Draw], Mapping[str, Table]]:
    """Return the draw of normal e1, e2: |e| has Rayleigh's distribution."""

    def draw(asked: Draw) -> Mapping[str, Table]:
        visits = _visits(asked)
        each = 5
        scatter = _each(asked, sigma)[:, None, None]
        e = np.stack([scatter * _mixed(asked, f"samples.psf.e{k}", DETECTORS) for k in (1, 2)])
        e = np.repeat(e.reshape(2, -1, DETECTORS), each, axis=2)
        star = rng(asked.seed, "samples.psf.star").standard_normal(e.shape)
        shape = e.shape[1:]
        detector = np.broadcast_to(np.repeat(np.arange(DETECTORS), each), shape)
        columns = {"detector": detector, **_moments("", e + 0.003 * star)}
        return _source(visits, shape[1], columns)

    return draw


def _near(
    variance: Callable[[float], float], arcmin: float
) -> Callable[[Draw], Mapping[str, Table]]:
    """Return the draw of residuals that two stars of a group have in common.

    E1, E2 and Ex can have one and the same value only where e1 and e2 agree.
    """

    def draw(asked: Draw) -> Mapping[str, Table]:
        visits = _visits(asked)
        size = _each(asked, variance)[:, None] * np.exp(
            CORRELATION * _mixed(asked, "samples.psf.near")
        )
        group = rng(asked.seed, "samples.psf.group").standard_normal((size.size, GROUPS))
        shared = np.sqrt(size.ravel())[:, None] * group
        return _stars(asked, visits, np.repeat(shared, 2, axis=1), arcmin)

    return draw


def _far(square: Callable[[float], float]) -> Callable[[Draw], Mapping[str, Table]]:
    """Return the draw of a residual that a whole image shares."""

    def draw(asked: Draw) -> Mapping[str, Table]:
        visits = _visits(asked)
        size = _each(asked, square)[:, None] * np.exp(
            CORRELATION * _mixed(asked, "samples.psf.far")
        )
        shared = np.repeat(np.sqrt(size.ravel())[:, None], 2 * FAR_GROUPS, axis=1)
        return _stars(asked, visits, shared, 0.5)

    return draw


def _stars(asked: Draw, visits: Table, shared: Floats, arcmin: float) -> Mapping[str, Table]:
    """Return stars in pairs, the pairs 12 arcmin apart, with residuals and their own noise."""
    group = np.arange(shared.shape[1]) // 2
    second = np.arange(shared.shape[1]) % 2
    side = 6
    ra = 150.0 + 0.2 * (group % side) + second * arcmin / 60.0
    dec = 0.2 * (group // side)
    own = NOISE * rng(asked.seed, "samples.psf.noise").standard_normal((2, *shared.shape))
    model = np.stack([np.full_like(shared, 0.01), np.full_like(shared, -0.005)])
    columns = {
        "coord_ra": np.broadcast_to(ra, shared.shape),
        "coord_dec": np.broadcast_to(dec, shared.shape),
        **_moments("", model + shared + own),
        **_moments("PSF", model),
    }
    return _source(visits, shared.shape[1], columns)


def _mean(value: float) -> float:
    """Return the median of a log-normal variable with this mean."""
    return value * float(np.exp(-0.5 * CORRELATION**2))


def _percentile(value: float) -> float:
    """Return the median of a log-normal variable that 15 % exceed `value`."""
    return value * float(np.exp(CORRELATION * ndtri(0.15)))


def _share(percent: float) -> float:
    """Return the median of a log-normal variable of which `percent` lie beyond TE4."""
    return TE4 * float(np.exp(CORRELATION * ndtri(percent / 100.0)))


def _rayleigh(share: float) -> float:
    """Return what Rayleigh's variable of unit sigma exceeds with the chance `share`."""
    return float(np.sqrt(-2.0 * np.log(share)))


def _quarter(limit: float) -> float:
    """Return a quarter of an upper limit: it takes many images to see that few are beyond."""
    return 0.25 * limit


_RESIDUAL = "psf.residual_correlation"
_MANY = (3, 6, 12, 60)
_ORDER = "limits made of order statistics are those of counts"
_COUNT = "exact limits of a fraction"


def _radius(number: int, energy: float) -> Sampler:
    return Sampler(
        f"psf.energy_radius.sr{number}",
        _energy(energy),
        unit="night",
        # The SRD's own profile is no smaller than 0.83 of the limits.
        comfortable=lambda limit: 0.9 * limit,
    )


def _quantile(metric: str, draw: Callable[[Draw], Mapping[str, Table]]) -> Sampler:
    return Sampler(metric, draw, unit="night", conservative=_ORDER)


def _fraction(metric: str, draw: Callable[[Draw], Mapping[str, Table]]) -> Sampler:
    return Sampler(
        metric,
        draw,
        unit="night",
        sizes=_MANY,
        comfortable=_quarter,
        conservative=_COUNT,
    )


SAMPLERS: tuple[Sampler, ...] = (
    _radius(1, 0.80),
    _radius(2, 0.95),
    _radius(3, 0.99),
    _quantile("psf.ellipticity.se1", _ellipticity(lambda t: t / _rayleigh(0.5))),
    _quantile("psf.ellipticity.se2", _ellipticity(lambda t: t / _rayleigh(0.05))),
    _fraction("psf.ellipticity.ef1", _ellipticity(lambda p: SE2 / _rayleigh(p / 100.0))),
    # Products are skewed: with fewer than six nights Student's t passes too often.
    Sampler(f"{_RESIDUAL}.te1", _near(_mean, 0.5), unit="night", sizes=(6, 12, 30, 60)),
    Sampler(f"{_RESIDUAL}.te2", _far(_mean), unit="night"),
    _quantile(f"{_RESIDUAL}.te3", _near(_percentile, 0.5)),
    _quantile(f"{_RESIDUAL}.te3_below_5arcmin", _near(_percentile, 2.5)),
    _quantile(f"{_RESIDUAL}.te4", _far(_percentile)),
    _fraction(f"{_RESIDUAL}.tef", _far(_share)),
    _fraction(f"{_RESIDUAL}.tef_below_5arcmin", _far(_share)),
)
