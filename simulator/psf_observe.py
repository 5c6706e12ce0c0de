"""Shape measurements of bright stars, visit by visit: the twin's `source` product.

These stars stand beside those of `matched_source`: they lie in groups that give every
separation a correlation is about, and more of them are reserved than in a survey.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.cadence import NIGHT_FACTOR
from skyassay.simulator.observe import FIELD_RADIUS, ID_FACTOR, ZERO_POINT
from skyassay.simulator.psf_stars import PsfStars, nearest_field, psf_stars
from skyassay.simulator.psf_terms import PsfTerms, effective_width, enclosed, moment_width
from skyassay.simulator.random import rng

if TYPE_CHECKING:
    from skyassay.simulator.parts import Scene

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
PIXEL = 0.2
#: Radii of the apertures of `source`, pixels.
RADII = (3, 6, 9, 12, 17, 25, 35, 50, 70)
#: Number of the first PSF star of a visit: those of `matched_source` have the smaller ones.
_FIRST = 3_000_000


def source(scene: Scene) -> Mapping[str, Table]:
    """Return fluxes, moments and the PSF model at bright stars of the visits in r and i."""
    terms, visits = scene.twin.psf, scene["truth_visit"]
    fields = scene.preset.cadence.fields
    stars = [psf_stars(terms, f, scene.seed, k) for k, f in enumerate(fields)]
    home = nearest_field(fields, visits)
    chosen = np.flatnonzero(np.isin(visits["band"], terms.bands))
    parts = [
        visit_source(terms, stars[home[i]], {n: c[i] for n, c in visits.items()}, scene.seed)
        for i in chosen
    ]
    if not parts:
        return {}
    return {"source": {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}}


def visit_source(terms: PsfTerms, stars: PsfStars, visit: Mapping[str, Any], seed: int) -> Table:
    """Return the rows of one visit; its streams are its own.

    Parameters
    ----------
    terms : PsfTerms
    stars : PsfStars
    visit : mapping
        One row of `truth_visit`: visit, band, seeing (arcsec, 0.663 sqrt(n_eff) pixels),
        magLim.
    seed : int
    """
    number, n = int(visit["visit"]), stars.mag.size
    night = rng(seed, "psf.night", number // NIGHT_FACTOR).standard_normal(5)
    own = rng(seed, "psf.visit", number).standard_normal(9)
    draw = rng(seed, "psf.source", number)
    core = visit["seeing"] / effective_width(terms)
    core = core * (1.0 + terms.size_slope * (stars.x**2 + stars.y**2) / FIELD_RADIUS**2)
    wings = np.exp(terms.wings * own[0] + terms.wings_night * night[0])
    fluxes = _fluxes(terms, stars, core * wings, visit, draw)
    snr = fluxes["psfFlux"] / fluxes["psfFluxErr"]
    smooth = _smooth(terms, stars, own, night)
    residual = _residual(terms, stars, own, night, draw)
    trained = np.where(stars.reserved, 0.0, 1.0 - terms.trained_share)
    size = np.square(moment_width(terms) * core / PIXEL)
    noise = 2.0 * size / snr * draw.standard_normal((3, n))
    no = np.zeros(n, dtype=bool)
    return {
        "sourceId": np.int64(number) * ID_FACTOR + _FIRST + np.arange(n),
        "visit": np.full(n, number, dtype=np.int64),
        "detector": stars.detector,
        "band": np.full(n, str(visit["band"])),
        "coord_ra": stars.ra,
        "coord_dec": stars.dec,
        **fluxes,
        **_moments("", size, smooth + residual, noise),
        **_moments("PSF", size, smooth + trained * residual, np.zeros((3, n))),
        "calib_psf_used": ~stars.reserved,
        "calib_psf_reserved": stars.reserved,
        "extendedness": np.zeros(n),
        "pixelFlags_saturated": no,
        "pixelFlags_cr": no,
        "pixelFlags_bad": no,
        "pixelFlags_edge": no,
    }


def _smooth(terms: PsfTerms, stars: PsfStars, own: Floats, night: Floats) -> Floats:
    """Return e1, e2 of optics and atmosphere: a plane over the field, shape (2, n)."""
    centre = terms.ellipticity * own[1:3] + terms.ellipticity_night * night[1:3]
    slope = terms.ellipticity_slope * own[3:7].reshape(2, 2)
    return np.asarray(centre[:, None] + slope @ np.stack([stars.x, stars.y]))


def _residual(
    terms: PsfTerms, stars: PsfStars, own: Floats, night: Floats, draw: np.random.Generator
) -> Floats:
    """Return what no smooth model follows: correlated within groups, and over the image."""
    first, other = stars.residuals(draw.standard_normal((2, stars.mag.size)))
    both = np.stack([first, terms.cross * first + np.sqrt(1.0 - terms.cross**2) * other])
    near = np.sqrt(
        terms.near * np.exp(terms.near_scatter * _mixed(terms.near_night, own[7], night[3]))
    )
    far = np.sqrt(terms.far * np.exp(terms.far_scatter * _mixed(terms.far_night, own[8], night[4])))
    return np.asarray(near * both + far * terms.far_direction[:, None])


def _mixed(share: float, own: float, night: float) -> float:
    """Return a unit variate of which a night shares `share` of the variance."""
    return float(np.sqrt(1.0 - share) * own + np.sqrt(share) * night)


def _moments(name: str, size: Floats, e: Floats, noise: Floats) -> Table:
    """Return second moments in pixel**2 of stars with distortions `e`.

    The noise of ixx and iyy is sqrt(2) that of ixy, as for a Gaussian: each component of the
    distortion then has an error of 2 / SNR.
    """
    return {
        f"ixx{name}": size * (1.0 + e[0]) + np.sqrt(2.0) * noise[0],
        f"ixy{name}": size * e[1] + noise[1],
        f"iyy{name}": size * (1.0 - e[0]) + np.sqrt(2.0) * noise[2],
    }


def _fluxes(
    terms: PsfTerms,
    stars: PsfStars,
    core: Floats,
    visit: Mapping[str, Any],
    draw: np.random.Generator,
) -> Table:
    """Return PSF and aperture fluxes with photon and sky noise, nJy."""
    flux = 10.0 ** (0.4 * (ZERO_POINT - stars.mag))
    per_electron = 10.0 ** (0.4 * (ZERO_POINT - terms.zero_point))
    area = (visit["seeing"] / 0.663 / PIXEL) ** 2
    # The sky that gives the visit its depth: five times its noise within n_eff pixels.
    sky = 10.0 ** (0.4 * (ZERO_POINT - visit["magLim"])) / 5.0 / np.sqrt(area)
    radii = np.array(RADII, dtype=np.float64)
    held = enclosed(radii[:, None] * PIXEL / core, terms)
    rings = np.diff(held, axis=0, prepend=0.0) * flux
    pixels = np.diff(np.pi * radii**2, prepend=0.0)[:, None]
    variance = rings * per_electron + pixels * sky**2
    normal = draw.standard_normal((len(RADII) + 1, stars.mag.size))
    measured = np.cumsum(rings + np.sqrt(variance) * normal[:-1], axis=0)
    error = np.sqrt(np.cumsum(variance, axis=0))
    psf_error = np.sqrt(flux * per_electron + area * sky**2)
    columns: Table = {"psfFlux": flux + psf_error * normal[-1], "psfFluxErr": psf_error}
    for k, radius in enumerate(RADII):
        columns[f"ap{radius:02d}Flux"] = measured[k]
        columns[f"ap{radius:02d}FluxErr"] = error[k]
    return columns
