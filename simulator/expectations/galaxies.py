"""What detections, classes, resolved sources and redshifts should show on the twin."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from skyassay.simulator.error_model import BANDS, POGSON, BandErrors
from skyassay.simulator.expectations.model import Error, Expectation
from skyassay.simulator.galaxies import Galaxies, colours, redshift
from skyassay.simulator.nominal_population import nominal_population
from skyassay.simulator.population import Population
from skyassay.simulator.presets import PRESETS, SURVEY, Preset
from skyassay.simulator.twin import Twin

Floats = NDArray[np.float64]
_NODES = 8192
#: Cuts of the recipes of resolved sources: magnitude, S/N, bin; and of photometric redshifts.
_MAG, _SNR, _BIN, _FEWEST = (17.0, 21.0), 30.0, 0.5, 20
_Z_FAINT, _SIGMAS, _QUARTILES = 25.0, 3.0, 1.3489795003921634
#: With fewer false detections expected, the exact limits of a count decide nothing.
_DECIDING = 3.0


@cache
def _uniform(dims: int, count: int = _NODES) -> Floats:
    """Return evenly spread points of the unit cube, shape (dims, count)."""
    steps = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0])[:dims, None]
    return np.asarray(np.mod(0.5 + steps * np.arange(1, count + 1), 1.0))


@cache
def _nominal() -> Population:
    preset = PRESETS[0]
    dec = preset.cadence.fields[0][1]
    return nominal_population(preset.universe, preset.cadence.site, dec)


# Resolved sources


def _photon(errors: BandErrors, mag: Floats) -> tuple[Floats, Floats]:
    """Return the photon variance over all conditions (mmag^2), and the noise at the median."""
    m5 = _nominal().conditions[errors.band].m5
    every = np.square(errors.photon_mag(mag[:, None], m5[None, :])).mean(axis=1) * 1e6
    return every, errors.photon_mag(mag, np.full(1, np.median(m5)))


def _variances(twin: Twin, band: str) -> tuple[Floats, Floats, Floats, float]:
    """Return variances of galaxies and stars (mmag^2), the stars' weights, galaxies' share."""
    terms, errors = twin.galaxies, twin.errors[band]
    tail = 1.0 + errors.tail_fraction * (errors.tail_scale**2 - 1.0)
    common = tail * errors.zero_point_visit_mmag**2
    common += errors.zero_point_detector_mmag**2 + errors.floor_mmag**2
    u = _uniform(4)
    i, radius = terms.i_magnitude(u[0]), terms.radius(u[1])
    mag = colours(i, redshift(u[2]))[band]
    mag = mag if band == "i" else mag + 0.1 * ndtri(u[3])
    # Few galaxies are so bright: their nodes are spread over them alone.
    bright = terms.i_magnitude(u[0] * float(_share_brighter(terms, terms.measured_to)))
    mag = mag - i + bright
    factor = terms.noise_factor(radius)
    every, typical = _photon(errors, mag)
    keep = (mag >= _MAG[0]) & (mag < _MAG[1]) & (typical * factor * _SNR <= POGSON)
    galaxy = common + terms.model_mmag**2 + np.square(factor) * every
    star_mag = _nominal().magnitudes[band]
    star_every, star_typical = _photon(errors, star_mag)
    good = (star_mag >= _MAG[0]) & (star_mag < _MAG[1]) & (star_typical * _SNR <= POGSON)
    number = np.bincount(np.floor(mag[keep] / _BIN).astype(int), minlength=200)
    stars = np.bincount(np.floor(star_mag[good] / _BIN).astype(int), minlength=200)
    bins = np.floor(star_mag[good] / _BIN).astype(int)
    weight = number[bins] / np.maximum(stars[bins], 1)
    share = float(keep.mean()) * float(_share_brighter(terms, terms.measured_to))
    return galaxy[keep], (common + star_every)[good], weight, share


def _share_brighter(terms: Galaxies, mag: float) -> float:
    """Return the share of the galaxies that are brighter in i."""
    low, high = (10.0 ** (terms.slope * m) for m in (terms.bright, terms.faint))
    return float(np.clip((10.0 ** (terms.slope * mag) - low) / (high - low), 0.0, 1.0))


def ratio(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the scatter of galaxies over that of stars of their magnitudes.

    Without a band that of the worst one: the criterion is about all of them.
    """
    if not band:
        return ratio(twin, _worst(twin))
    galaxy, star, weight, _ = _variances(twin, band)
    return float(np.sqrt(galaxy.mean() / np.average(star, weights=weight)))


@cache
def _worst(twin: Twin) -> str:
    """Return the band with the largest ratio."""
    return max(BANDS, key=lambda band: ratio(twin, band))


def ratio_error(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    """Return the standard error of the ratio: few galaxies, unlike each other, few visits."""
    galaxy, star, weight, share = _variances(twin, band or _worst(twin))
    visits = preset.cadence.visits_per_band
    number = share * preset.universe.stars * twin.galaxies.per_star
    if visits < 3 or number < _FEWEST:
        return "NOT_MEASURED"
    stars = preset.universe.stars * len(star) / _nominal().weights.size
    total = 0.0
    for v, w, n in ((galaxy, np.ones(len(galaxy)), number), (star, weight, stars)):
        unlike = float(np.mean(np.square(w * v)) / np.mean(w * v) ** 2)
        total += (unlike * (1.0 + 2.0 / (visits - 1)) - 1.0) / n
    return 0.5 * value * float(np.sqrt(total))


# Detections


def completeness_magnitude(twin: Twin, _band: str, at: float | None) -> float:
    """Return the i magnitude at which the galaxies' completeness falls to `at` percent."""
    level = 0.5 if at is None else at / 100.0
    terms = twin.galaxies
    radius = terms.radius(_uniform(1)[0])

    def excess(mag: float) -> float:
        return float(terms.detected(np.full(1, mag), radius).mean()) - level

    return float(brentq(excess, terms.bright, terms.faint))


def completeness_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    """Return the standard error of the magnitude: a share of those within half a magnitude."""
    near = _share_brighter(twin.galaxies, value + 0.25) - _share_brighter(
        twin.galaxies, value - 0.25
    )
    number = near * preset.universe.stars * twin.galaxies.per_star
    return 0.5 / max(float(np.sqrt(number)), 1.0)


def false_share(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the share of false detections, percent."""
    return 100.0 * twin.galaxies.false_share


def false_share_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    """Return the standard error of the share: a count of rare, independent detections."""
    number = detections(twin, preset)
    if number * value / 100.0 < _DECIDING:
        return "INCONCLUSIVE"
    return float(np.sqrt(value / 100.0 / number)) * 100.0


def detections(twin: Twin, preset: Preset) -> float:
    """Return how many objects a preset's catalog has."""
    terms, wide = twin.galaxies, preset.wide
    u = _uniform(2)
    share = float(terms.detected(terms.i_magnitude(u[0]), terms.radius(u[1])).mean())
    return preset.universe.stars * (1.0 + terms.per_star * share) + (
        wide.regions * wide.cells * wide.stars
    )


def galaxies_called_stars(twin: Twin, bright: float, faint: float) -> float:
    """Return the share of the galaxies with a class that are called stars."""
    terms = twin.galaxies
    low, high = (_share_brighter(terms, m) for m in (bright, faint))
    u = _uniform(2)
    i, radius = terms.i_magnitude(low + u[0] * (high - low)), terms.radius(u[1])
    found = terms.detected(i, radius)
    return float(np.average(terms.called_star(i, radius), weights=found))


# Photometric redshifts: a normal core, and outliers that are too high by an even amount


def _below(terms: Galaxies, x: float) -> float:
    """Return the share of the residuals below `x`."""
    core = float(ndtr((x - terms.z_bias) / terms.z_sigma))
    far = float(np.clip((x - terms.z_low) / (terms.z_high - terms.z_low), 0.0, 1.0))
    return (1.0 - terms.z_outliers) * core + terms.z_outliers * far


def _residual(terms: Galaxies, share: float) -> float:
    """Return the residual that a share of all are below."""
    return float(brentq(lambda x: _below(terms, x) - share, -1.0, terms.z_high, xtol=1e-12))


def photoz_scatter(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the robust scatter."""
    low, high = (_residual(twin.galaxies, q) for q in (0.25, 0.75))
    return (high - low) / _QUARTILES


def photoz_bias(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the median residual."""
    return _residual(twin.galaxies, 0.5)


def photoz_outliers(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the share beyond three scatters about the median, percent."""
    middle, reach = photoz_bias(twin), _SIGMAS * photoz_scatter(twin)
    terms = twin.galaxies
    inside = _below(terms, middle + reach) - _below(terms, middle - reach)
    return 100.0 * (1.0 - inside)


def _redshifts(twin: Twin, preset: Preset) -> float:
    """Return how many galaxies have a photometric redshift, inside the recipe's cuts."""
    terms = twin.galaxies
    share = _share_brighter(terms, _Z_FAINT) * (1.0 - terms.z_missing)
    return max(share * preset.universe.stars * terms.per_star, 1.0)


def _photoz_error(scale: float, *, share: bool = False) -> Error:
    def error(twin: Twin, preset: Preset, _band: str, value: float) -> float:
        n = _redshifts(twin, preset)
        if share:
            return 100.0 * float(np.sqrt(value / 100.0 * (1.0 - value / 100.0) / n))
        return scale * photoz_scatter(twin) / float(np.sqrt(n))

    return error


def none(_twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return that no identifier is shared with the release before."""
    return 0.0


def census(_twin: Twin, _preset: Preset, _band: str, _value: float) -> float:
    """Return that a census has no error."""
    return 0.0


def _of_catalogs(error: Error) -> Error:
    """Return the error where a preset has catalogs; a table of visits alone has none."""

    def found(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
        if preset.name == SURVEY.name:
            return "NOT_MEASURED"
        return error(twin, preset, band, value)

    return found


_ALL: tuple[Expectation, ...] = (
    Expectation("photometry.resolved.ratio_radius", ratio, ratio_error),
    Expectation("photometry.resolved.ratio_diameter", ratio, ratio_error),
    Expectation("detection.completeness.magnitude", completeness_magnitude, completeness_error),
    Expectation("detection.purity.false_share", false_share, false_share_error),
    # Errors of quartiles and of a median of normal values: 1.17 and 1.25 sigma / sqrt(n).
    Expectation("galaxies.photoz.scatter", photoz_scatter, _photoz_error(1.17)),
    Expectation("galaxies.photoz.bias", photoz_bias, _photoz_error(1.25)),
    Expectation("galaxies.photoz.outliers", photoz_outliers, _photoz_error(0.0, share=True)),
    Expectation("catalog.ids.shared", none, census),
)
EXPECTATIONS: tuple[Expectation, ...] = tuple(
    Expectation(one.metric, one.value, _of_catalogs(one.error)) for one in _ALL
)
