"""What images, sky and pixels of the twin should be: S1, SF1, SysIQ, SXE, SBPrec, pixels."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtri, stdtrit

from skyassay.simulator.conditions import ZENITH_SEEING, conditions
from skyassay.simulator.expectations.intervals import (
    fraction_error,
    layout,
    quantile_error,
    scatter_of,
)
from skyassay.simulator.expectations.model import Error, Expectation, Value
from skyassay.simulator.image_quality import SLANT
from skyassay.simulator.mixture import weighted_median
from skyassay.simulator.presets import PRESETS, SURVEY, Preset
from skyassay.simulator.twin import Twin

Floats = NDArray[np.float64]
#: Cuts of the recipe: visits near the zenith, visits near a seeing.
ZENITH, NEAR = 1.2, 0.1
#: Scatter of the delivered size, of its logarithm (`conditions`).
SEEING_SCATTER = float(np.hypot(0.12, 0.08))
_NODES = 4096


@cache
def _zenith(band: str) -> tuple[Floats, Floats]:
    """Return airmass and delivered size of even nodes of the visits near the zenith."""
    cadence = PRESETS[0].cadence
    steps = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0])[:, None]
    u = np.mod(0.5 + steps * np.arange(1, _NODES + 1), 1.0)
    dec = np.full(_NODES, cadence.fields[0][1])
    found = conditions(cadence.site, np.full(_NODES, band), dec, u[:3], u[3:])
    near = found.airmass <= ZENITH
    return found.airmass[near], found.seeing[near]


def _system(twin: Twin, airmass: Floats) -> Floats:
    """Return the system part of each node: its scatter is spread over the nodes evenly."""
    q = twin.images
    rank = np.mod(0.5 + np.sqrt(19.0) * np.arange(1, airmass.size + 1), 1.0)
    return np.asarray(q.system_arcsec * airmass**SLANT * np.exp(q.system_scatter * ndtri(rank)))


def s1(twin: Twin, band: str, at: float | None) -> float:
    """Return the median size at a seeing, arcsec.

    Notes
    -----
    Delivered sizes are given and the seeing follows, so a system part counts by how likely
    the delivered size is that it makes with the seeing.
    """
    seeing = 0.8 if at is None else at
    airmass, _ = _zenith(band)
    size = np.hypot(seeing, _system(twin, airmass))
    off = np.log(size / (ZENITH_SEEING[band] * airmass**SLANT)) / SEEING_SCATTER
    return weighted_median(size, np.exp(-0.5 * (off**2 - off.min() ** 2)) / size**2)


def _s1_error(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    """Return the error of S1: at the seeing that belongs to the value."""
    seeing = float(np.sqrt(value**2 - twin.images.system_arcsec**2))
    airmass, size = _zenith(band)
    free = np.sqrt(size**2 - _system(twin, airmass) ** 2)
    near = float((np.abs(np.log(free / seeing)) <= NEAR).mean())
    found = layout(preset, near, 0.0)
    q = twin.images
    scatter = scatter_of(
        seeing**2 * q.monitor / value, q.system_scatter * q.system_arcsec**2 / value, q.size * value
    )
    if preset is SURVEY or found.visits >= 12:
        return quantile_error(found, 0.5, scatter, lower=False)
    return "NOT_APPLICABLE or NOT_MEASURED or INCONCLUSIVE" + " or PASS" * (found.visits >= 3)


def sf1(twin: Twin, band: str, at: float | None) -> float:
    """Return the share of visits larger than SX times S1, %."""
    seeing, sizes = np.array([0.44, 0.60, 0.80]), np.array([0.56, 0.69, 0.87])
    airmass, size = _zenith(band)
    free = np.sqrt(size**2 - _system(twin, airmass) ** 2)
    limit = np.sqrt(free**2 + np.interp(free, seeing, sizes**2 - seeing**2))
    return float(100.0 * np.mean(size > (1.1 if at is None else at) * limit))


def _sf1_error(_twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    return fraction_error(layout(preset, 1.0, 0.5), value)


def sysiq(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the root mean square system part near the zenith, arcsec."""
    airmass, _ = _zenith(band)
    return float(np.sqrt(np.square(_system(twin, airmass)).mean()))


def _sysiq_error(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    airmass, size = _zenith(band)
    free = np.sqrt(size**2 - _system(twin, airmass) ** 2)
    q, found = twin.images, layout(preset, 1.0, 0.0)
    square = scatter_of(
        2.0 * q.monitor * float(np.sqrt((free**4).mean())),
        2.0 * q.system_scatter * value**2,
        2.0 * q.size * float(np.sqrt((size**4).mean())),
    )
    student = float(stdtrit(found.nights - 1.0, 0.95)) / 1.6449
    return student * square / (2.0 * value) / float(np.sqrt(found.visits))


def sxe(twin: Twin, _band: str, _at: float | None = None) -> float:
    """Return the root mean square system part at airmass 2, arcsec."""
    q = twin.images
    return float(q.system_arcsec * 2.0**SLANT * np.exp(q.system_scatter**2))


def sbprec(twin: Twin, _band: str, _at: float | None = None) -> float:
    """Return the error of the sky, %."""
    return 100.0 * scatter_of(twin.images.sky_night, twin.images.sky_visit)


def _sbprec_error(_twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    found = layout(preset, 1.0, 0.3)
    dof = 0.5 * (found.visits + found.nights)
    return value * (float(np.sqrt(dof / chdtri(dof, 0.95))) - 1.0) / 1.6449


def sensor_fraction(twin: Twin, _band: str, at: float | None) -> float:
    """Return the share of detectors with more bad pixels than PixFrac, %."""
    share = 100.0 * (np.array(twin.detectors.bad_share) + twin.detectors.cosmic_share)
    return float(100.0 * np.mean(share > (1.0 if at is None else at)))


def pix_frac(twin: Twin, _band: str, at: float | None) -> float:
    """Return the share of bad pixels that SensorFraction percent of the detectors exceed, %."""
    share = np.sort(np.array(twin.detectors.bad_share) + twin.detectors.cosmic_share)[::-1]
    return float(100.0 * share[int((15.0 if at is None else at) / 100.0 * share.size)])


def _census(size: float) -> Error:
    def error(_twin: Twin, preset: Preset, _band: str, _value: float) -> float | str:
        return "NOT_MEASURED" if preset is SURVEY else size

    return error


def _never(status: str, survey: float | str) -> Error:
    def error(_twin: Twin, preset: Preset, _band: str, _value: float) -> float | str:
        return survey if preset is SURVEY else status

    return error


def _constant(value: float) -> Value:
    def found(_twin: Twin, _band: str, _at: float | None) -> float:
        return value

    return found


def _pixel_scale(twin: Twin, _band: str, _at: float | None) -> float:
    return twin.detectors.pixel_scale


EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("seeing.delivered.s1", s1, _s1_error),
    Expectation("seeing.delivered.sf1", sf1, _sf1_error),
    Expectation("seeing.system.sysiq", sysiq, _sysiq_error),
    Expectation("seeing.system.sxe", sxe, _never("NOT_APPLICABLE", 0.005)),
    Expectation("instrument.sky.sbprec", sbprec, _sbprec_error),
    Expectation("instrument.pixels.sensorfraction", sensor_fraction, _census(0.0)),
    Expectation("instrument.pixels.pixfrac", pix_frac, _census(1e-5)),
    Expectation("instrument.census.pixsize", _pixel_scale, _census(0.0)),
    Expectation(
        "instrument.census.etmin", _constant(30.0), _never("NOT_APPLICABLE", "NOT_APPLICABLE")
    ),
)
