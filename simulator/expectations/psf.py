"""What the terms of the point-spread function make of energy radii, ellipticity, correlations.

All in closed form: the profile's radii, Rayleigh's distribution of two normal components,
log-normal correlations of images. Few images decide no percentile: then the verdict is named.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from skyassay.simulator.expectations.model import Error, Expectation, Value
from skyassay.simulator.observe import FIELD_RADIUS, SIDE
from skyassay.simulator.presets import SURVEY, Preset
from skyassay.simulator.psf_terms import FWHM, PsfTerms, energy_radius, moment_width
from skyassay.simulator.twin import Twin

Floats = NDArray[np.float64]
#: Limits of LPM-17, table 27, at their design level, and of table 13.
TE3, TE4, TEF, SE2, EF1 = 4e-5, 2e-7, 15.0, 0.07, 5.0
#: Variance of the measured distortion of a typical star of the twin, both noise and sky.
_STAR_VARIANCE = 5e-6
_NO_SHAPES = "NOT_MEASURED"


def _radius(energy: float) -> Value:
    def value(twin: Twin, _band: str, _at: float | None) -> float:
        terms = twin.psf
        ratio = energy_radius(energy, terms) / (FWHM * moment_width(terms))
        return float(0.69 * ratio * np.exp(0.5 * (terms.wings**2 + terms.wings_night**2)))

    return value


def _radius_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    if preset.name == SURVEY.name:
        return _NO_SHAPES
    c = preset.cadence
    own, night = twin.psf.wings**2 / c.visits_per_band, twin.psf.wings_night**2 / c.nights
    return float(value * np.sqrt(own + night))


@cache
def _spread(terms: PsfTerms) -> Floats:
    """Return the scatter of e1 and of e2 of an image, per detector of the round field."""
    n = np.arange(40_000)
    rho = FIELD_RADIUS * np.sqrt((n + 0.5) / n.size)
    turn = n * np.pi * (3.0 - np.sqrt(5.0))
    x, y = rho * np.cos(turn), rho * np.sin(turn)
    column, row = (
        np.clip(np.floor((v / FIELD_RADIUS + 1.0) * SIDE / 2.0), 0, SIDE - 1) for v in (x, y)
    )
    detector = (SIDE * row + column).astype(int)
    count = np.bincount(detector)
    square = (np.bincount(detector, x) / count) ** 2 + (np.bincount(detector, y) / count) ** 2
    variance = terms.ellipticity**2 + terms.ellipticity_night**2
    return np.sqrt(variance + terms.ellipticity_slope**2 * square)


def _elongated(terms: PsfTerms, limit: float) -> float:
    """Return the share of images with more than a given ellipticity."""
    return float(np.mean(np.exp(-0.5 * (limit / _spread(terms)) ** 2)))


def _ellipticity(terms: PsfTerms, share: float) -> float:
    """Return the ellipticity that a share of the images exceeds."""
    return float(brentq(lambda e: _elongated(terms, e) - share, 1e-6, 1.0))


def _se1(twin: Twin, _band: str, _at: float | None) -> float:
    return _ellipticity(twin.psf, 0.5)


def _se2(twin: Twin, _band: str, at: float | None) -> float:
    return _ellipticity(twin.psf, (EF1 if at is None else at) / 100.0)


def _ef1(twin: Twin, _band: str, at: float | None) -> float:
    return 100.0 * _elongated(twin.psf, SE2 if at is None else at)


def near_kernel(terms: PsfTerms) -> float:
    """Return the mean correlation up to 1 arcmin, relative to zero lag."""
    return float(terms.kernel(terms.pair))


def below_kernel(terms: PsfTerms) -> float:
    """Return it below 5 arcmin: a group's close pair, and its third star with both."""
    wide = terms.kernel(np.hypot(terms.arm, 0.5 * np.float64(terms.pair)))
    return float((near_kernel(terms) + 2.0 * wide) / 3.0)


def _shared(terms: PsfTerms) -> float:
    """Return the median over images of the worst component of what an image shares."""
    return float(terms.far * np.max(terms.far_direction) ** 2)


def _te1(twin: Twin, _band: str, _at: float | None) -> float:
    terms = twin.psf
    near = terms.near * near_kernel(terms) * np.exp(0.5 * terms.near_scatter**2)
    return float(near + _shared(terms) * np.exp(0.5 * terms.far_scatter**2))


def _te2(twin: Twin, _band: str, _at: float | None) -> float:
    return float(_shared(twin.psf) * np.exp(0.5 * twin.psf.far_scatter**2))


def _te3(below: bool) -> Value:
    def value(twin: Twin, _band: str, at: float | None) -> float:
        terms = twin.psf
        kernel = below_kernel(terms) if below else near_kernel(terms)
        tail = -ndtri((TEF if at is None else at) / 100.0)
        return float(terms.near * kernel * np.exp(terms.near_scatter * tail) + _shared(terms))

    return value


def _te4(twin: Twin, _band: str, at: float | None) -> float:
    tail = -ndtri((TEF if at is None else at) / 100.0)
    return float(_shared(twin.psf) * np.exp(twin.psf.far_scatter * tail))


def _tef(below: bool) -> Value:
    def value(twin: Twin, _band: str, _at: float | None) -> float:
        terms = twin.psf
        kernel = below_kernel(terms) if below else near_kernel(terms)
        near = ndtr(-np.log(TE3 / (terms.near * kernel)) / terms.near_scatter)
        far = ndtr(-np.log(TE4 / _shared(terms)) / terms.far_scatter)
        return float(100.0 * (1.0 - (1.0 - near) * (1.0 - far)))

    return value


def _group_noise(terms: PsfTerms) -> tuple[float, float]:
    """Return the variance of the products of a close pair, and of the sum over a group."""
    one = terms.near + _STAR_VARIANCE
    pair = one**2 + (terms.near * near_kernel(terms)) ** 2
    return pair, 3.0 * one + 6.0 * terms.near * below_kernel(terms)


def _te1_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    if preset.name == SURVEY.name:
        return _NO_SHAPES
    if preset.cadence.nights < 6:
        return "INCONCLUSIVE"  # too few nights for its certificate
    terms, c = twin.psf, preset.cadence
    noise = _group_noise(terms)[0] / terms.groups
    between = (value * terms.near_scatter) ** 2
    own = noise + between * (1.0 - terms.near_night)
    return float(np.sqrt(own / c.visits_per_band + between * terms.near_night / c.nights))


def _te2_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    if preset.name == SURVEY.name:
        return _NO_SHAPES
    if preset.name != "medium":
        return "PASS or INCONCLUSIVE"
    terms, c = twin.psf, preset.cadence
    group, groups = _group_noise(terms)[1], terms.groups
    noise = 4.0 * value * group / (9.0 * groups) + 2.0 * (group / (9.0 * groups)) ** 2
    between = (value * terms.far_scatter) ** 2
    own = noise + between * (1.0 - terms.far_night)
    return float(np.sqrt(own / c.visits_per_band + between * terms.far_night / c.nights))


def _named(tiny: str, small: str, medium: str) -> Error:
    """Return verdicts by preset where there are too few images for a bound."""
    by_name = {"tiny": tiny, "small": small, "medium": medium, SURVEY.name: _NO_SHAPES}

    def error(_twin: Twin, preset: Preset, _band: str, _value: float) -> float | str:
        return by_name[preset.name]

    return error


def _smallest_core(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    """Return the error of SR1, which visits with the best seeing cannot give."""
    if preset.name == "tiny":
        return "PASS or INCONCLUSIVE or NOT_MEASURED"
    return _radius_error(twin, preset, band, value)


_FEW = "INCONCLUSIVE or NOT_MEASURED or NOT_APPLICABLE"
_NOISY = "INCONCLUSIVE or NOT_MEASURED"
_CHANCE = "PASS or INCONCLUSIVE"
_RESIDUAL = "psf.residual_correlation"

EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("psf.energy_radius.sr1", _radius(0.80), _smallest_core),
    Expectation("psf.energy_radius.sr2", _radius(0.95), _radius_error),
    Expectation("psf.energy_radius.sr3", _radius(0.99), _radius_error),
    Expectation("psf.ellipticity.se1", _se1, _named(_FEW, _FEW, _CHANCE)),
    Expectation("psf.ellipticity.se2", _se2, _named(_FEW, _FEW, "INCONCLUSIVE")),
    Expectation("psf.ellipticity.ef1", _ef1, _named(_FEW, _FEW, "INCONCLUSIVE")),
    Expectation(f"{_RESIDUAL}.te1", _te1, _te1_error),
    Expectation(f"{_RESIDUAL}.te2", _te2, _te2_error),
    Expectation(f"{_RESIDUAL}.te3", _te3(False), _named("INCONCLUSIVE", "INCONCLUSIVE", _CHANCE)),
    Expectation(
        f"{_RESIDUAL}.te3_below_5arcmin",
        _te3(True),
        _named("INCONCLUSIVE", "INCONCLUSIVE", _CHANCE),
    ),
    Expectation(f"{_RESIDUAL}.te4", _te4, _named(_NOISY, _NOISY, _CHANCE)),
    Expectation(f"{_RESIDUAL}.tef", _tef(False), _named(_NOISY, _NOISY, _CHANCE)),
    Expectation(f"{_RESIDUAL}.tef_below_5arcmin", _tef(True), _named(_NOISY, _NOISY, _CHANCE)),
)
