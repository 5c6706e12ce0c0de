"""What frame, motions and clock of the twin should show: AA1, WCS, SIG*, TACREL, TACABS."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, stdtrit
from scipy.stats import ncx2

from skyassay.simulator.error_model import BANDS, MAS_PER_RADIAN
from skyassay.simulator.expectations.model import Error, Expectation
from skyassay.simulator.motions import FAINT_R, RED_Y, own_errors
from skyassay.simulator.nominal_population import nominal_population
from skyassay.simulator.population import Population, Selection
from skyassay.simulator.presets import PRESETS, SURVEY, Preset
from skyassay.simulator.twin import Twin

Floats = NDArray[np.float64]
_Z95 = 1.6448536269514722
#: Cuts of the recipes: signal to noise of single positions, and magnitudes of the fits.
SNR_MIN, FAINT_CUT, RED_CUT = 50.0, (23.75, 24.25), (21.1, 21.6)
#: Standard deviation over the median of the absolute value of a normal.
_SIGMA = 1.482602218505602
#: Standard error of that estimate, in units of the value, times the root of the number.
_SIGMA_ERROR = 1.1664
#: Variance of the median of three normal values.
_OF_THREE = 0.449
#: Cells of the recipes that a field of view fills.
_CELLS = 28


def position_error(twin: Twin, band: str) -> tuple[tuple[float, float], float]:
    """Return the mean error east and north, and its rms about it, of single positions, mas."""
    errors, frame = twin.errors[band], twin.astrometry.frame
    stars = _stars().select(Selection(snr_min=SNR_MIN), (errors,))
    seen = stars.conditions[band]
    mag = stars.magnitudes[band][:, None]
    photon = errors.photon_mas(mag, seen.m5[None, :], seen.seeing[None, :])
    variance = float(np.square(photon).mean()) + errors.white_mas**2
    variance += frame.reference_mas**2 + _shared(twin, band)
    mean = (
        frame.offset_east_mas + errors.offset_ra_mas,
        frame.offset_north_mas + errors.offset_dec_mas,
    )
    return mean, float(np.sqrt(variance))


def _shared(twin: Twin, band: str) -> float:
    """Return the variance per coordinate that neighbouring stars share, mas squared."""
    errors, radius = twin.errors[band], np.radians(PRESETS[0].universe.radius)
    tail = 1.0 + errors.tail_fraction * (errors.tail_scale**2 - 1.0)
    # The mean square of a coordinate over a disc is a quarter of the radius squared.
    stretch = (errors.scale**2 + 2.0 * errors.shear**2) * (MAS_PER_RADIAN * radius) ** 2 / 4.0
    return float(
        twin.astrometry.frame.distortion_mas**2 + tail * (errors.translation_mas**2 + stretch)
    )


def aa1(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the median absolute error of the worse coordinate, mas."""
    mean, sigma = position_error(twin, band)
    return max(_median(m, sigma) for m in mean)


def rms(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the rms error of the worse coordinate, arcsec."""
    mean, sigma = position_error(twin, band)
    return 1e-3 * max(float(np.hypot(m, sigma)) for m in mean)


def wcs(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return the length of the shared error that 5 % of the places exceed, mas."""
    return float(np.mean([_length(twin, band) for band in BANDS]))


def _length(twin: Twin, band: str) -> float:
    mean, _ = position_error(twin, band)
    sigma = float(np.sqrt(_shared(twin, band) + _OF_THREE * twin.errors[band].white_mas ** 2))
    offset = (mean[0] ** 2 + mean[1] ** 2) / sigma**2
    return sigma * float(np.sqrt(ncx2.ppf(0.95, 2, offset)))


def _median(mean: float, sigma: float) -> float:
    """Return the median of the absolute value of a normal."""

    def excess(x: float) -> float:
        return float(ndtr((x - mean) / sigma) - ndtr((-x - mean) / sigma)) - 0.5

    return float(brentq(excess, 0.0, abs(mean) + sigma))


def sigma_parallax(twin: Twin, _band: str = "r", _at: float | None = None) -> float:
    """Return SIGpara, mas."""
    t = twin.astrometry.motions
    own = _own(twin, FAINT_CUT, red=False)
    return _of_mixture(np.hypot(own, t.parallax_region_mas), t.parallax_offset_mas)


def sigma_motion(twin: Twin, _band: str = "r", _at: float | None = None) -> float:
    """Return SIGpm, mas/yr."""
    t = twin.astrometry.motions
    own = _own(twin, FAINT_CUT, red=False) * t.motion_mas_yr / t.parallax_mas
    return _of_mixture(np.hypot(own, t.motion_region_mas_yr), 0.0)


def sigma_red(twin: Twin, _band: str = "y", _at: float | None = None) -> float:
    """Return SIGparaRed, mas."""
    t = twin.astrometry.motions
    own = _own(twin, RED_CUT, red=True)
    return _of_mixture(np.hypot(own, t.parallax_region_mas), t.parallax_offset_mas)


def _own(twin: Twin, cut: tuple[float, float], *, red: bool) -> Floats:
    """Return own errors of parallaxes at magnitudes spread evenly over the cut."""
    mag = cut[0] + (cut[1] - cut[0]) * (np.arange(64) + 0.5) / 64
    r, y = (mag + 6.0, mag) if red else (mag, mag)
    return own_errors(twin.astrometry.motions, r, y, {b.band: b for b in twin.errors.bands})[0]


def _of_mixture(sigma: Floats, offset: float) -> float:
    """Return 1.4826 times the median absolute value of normals of several widths."""

    def excess(x: float) -> float:
        return float((ndtr((x - offset) / sigma) - ndtr((-x - offset) / sigma)).mean()) - 0.5

    return _SIGMA * float(brentq(excess, 0.0, abs(offset) + 2.0 * float(sigma.max())))


def tacabs(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return TACABS, ms."""
    t = twin.astrometry.clock
    return float(np.sqrt(t.offset_ms**2 + t.night_ms**2 + t.jitter_ms**2))


def tacrel(twin: Twin, _band: str = "", _at: float | None = None) -> float:
    """Return TACREL, ms."""
    return float(np.sqrt(2.0)) * twin.astrometry.clock.jitter_ms


def _patches(twin: Twin) -> float:
    """Return how many independent patches of the frame's distortion a field shows."""
    length = twin.astrometry.frame.distortion_deg
    return (PRESETS[0].universe.radius / length) ** 2 / 1.5


def _student(preset: Preset) -> float:
    """Return what the few visits of a band make of a normal error."""
    return -float(stdtrit(preset.cadence.visits_per_band - 1, 0.05)) / _Z95


def _aa1_error(twin: Twin, preset: Preset, band: str, value: float) -> float:
    mean, sigma = position_error(twin, band)
    worst = max(mean, key=lambda m: _median(m, sigma))
    step = 0.01 * sigma
    inside = [
        float(ndtr((x - worst) / sigma) - ndtr((-x - worst) / sigma))
        for x in (value - step, value + step)
    ]
    density = (inside[1] - inside[0]) / (2.0 * step)
    return 0.5 / density / float(np.sqrt(_patches(twin))) * _student(preset)


def _rms_error(twin: Twin, preset: Preset, band: str, value: float) -> float:
    mean, sigma = position_error(twin, band)
    worst = max(abs(m) for m in mean)
    variance = (2.0 * sigma**4 + 4.0 * worst**2 * sigma**2) / _patches(twin)
    return 1e-6 * float(np.sqrt(variance)) / (2.0 * value) * _student(preset)


def _wcs_error(twin: Twin, _preset: Preset, _band: str, value: float) -> float:
    sigma = float(np.sqrt(_shared(twin, "r")))
    mean, _ = position_error(twin, "r")
    offset = (mean[0] ** 2 + mean[1] ** 2) / sigma**2
    low, high = (float(ncx2.cdf((x / sigma) ** 2, 2, offset)) for x in (value - 0.1, value + 0.1))
    return float(np.sqrt(0.95 * 0.05 / _patches(twin))) / ((high - low) / 0.2)


def _sigma_error(region: float, total: float, stars: float) -> float:
    """Return the relative error of a width, patches sharing a part of its square."""
    share = (region / total) ** 4
    return _SIGMA_ERROR * float(np.sqrt((1.0 + share * stars / _CELLS) / stars))


def _motion_error(
    region: Callable[[Twin], float], cut: tuple[float, float], drawn: tuple[float, float]
) -> Error:
    def error(twin: Twin, preset: Preset, _band: str, value: float) -> float:
        stars = twin.astrometry.motions.stars * preset.universe.stars
        stars *= (cut[1] - cut[0]) / (drawn[1] - drawn[0])
        return value * _sigma_error(region(twin), value, stars)

    return error


def _upper(value: float, dof: float, nights: int) -> float:
    """Return the standard error that the upper limit of an rms amounts to."""
    shrink = (_Z95 / float(stdtrit(nights - 1, 0.05))) ** 2
    dof = max(dof * shrink, 1.0)
    return value * (float(np.sqrt(dof / chdtri(dof, 0.95))) - 1.0) / _Z95


def _tacabs_error(twin: Twin, preset: Preset, _band: str, value: float) -> float:
    t, nights = twin.astrometry.clock, preset.cadence.nights
    spread = (2.0 * t.night_ms**4 + 4.0 * t.offset_ms**2 * t.night_ms**2) / nights
    return _upper(value, 2.0 * value**4 / spread, nights)


def _tacrel_error(_twin: Twin, preset: Preset, _band: str, value: float) -> float:
    cadence = preset.cadence
    visits = cadence.visits_per_band * len(cadence.bands) * len(cadence.fields)
    nights, each = cadence.nights, visits / cadence.nights
    # The metric is cautious about what few nights may share, even where they share nothing.
    caution = (nights - 1.0) / float(chdtri(nights - 1.0, 0.75))
    share = (caution - 1.0) / (caution - 1.0 + each)
    return _upper(value, visits / (1.0 + share * (each - 1.0)), nights)


@cache
def _stars() -> Population:
    cadence = PRESETS[0].cadence
    return nominal_population(PRESETS[0].universe, cadence.site, cadence.fields[0][1])


def _worst(twin: Twin, band: str) -> str:
    """Return the band, or the worst one for a criterion without bands."""
    return band or max(BANDS, key=lambda b: aa1(twin, b))


def _not_in_survey(error: Error) -> Error:
    """Return the error; visits alone have no positions and no reference clock."""

    def asked(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
        return "NOT_MEASURED" if preset.name == SURVEY.name else error(twin, preset, band, value)

    return asked


def _of_bands(
    metric: str,
    value: Callable[[Twin, str], float],
    error: Callable[[Twin, Preset, str, float], float],
) -> Expectation:
    return Expectation(
        metric,
        lambda twin, band, _at: value(twin, _worst(twin, band)),
        _not_in_survey(lambda twin, preset, band, x: error(twin, preset, _worst(twin, band), x)),
    )


_PARALLAX = _motion_error(lambda t: t.astrometry.motions.parallax_region_mas, FAINT_CUT, FAINT_R)
_MOTION = _motion_error(lambda t: t.astrometry.motions.motion_region_mas_yr, FAINT_CUT, FAINT_R)
_RED = _motion_error(lambda t: t.astrometry.motions.parallax_region_mas, RED_CUT, RED_Y)
_M = "astrometry.motion"
EXPECTATIONS: tuple[Expectation, ...] = (
    _of_bands("astrometry.absolute.aa1", aa1, _aa1_error),
    _of_bands("astrometry.absolute.rms", rms, _rms_error),
    Expectation("astrometry.wcs.accuracy", wcs, _not_in_survey(_wcs_error)),
    Expectation(f"{_M}.parallax", sigma_parallax, _not_in_survey(_PARALLAX)),
    Expectation(f"{_M}.proper_motion", sigma_motion, _not_in_survey(_MOTION)),
    Expectation(f"{_M}.parallax_red", sigma_red, _not_in_survey(_RED)),
    Expectation("timing.clock.tacabs", tacabs, _not_in_survey(_tacabs_error)),
    Expectation("timing.clock.tacrel", tacrel, _not_in_survey(_tacrel_error)),
)
