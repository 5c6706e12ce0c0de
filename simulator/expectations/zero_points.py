"""What the zero points of the coadds should show: PA3, PF2, PA4, PA5, PA6."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import betaincinv, chdtri, ndtr, ndtri, stdtrit

from skyassay.simulator.cadence import Cadence
from skyassay.simulator.calibration import COLOUR_ZERO, FIELD_ORDER
from skyassay.simulator.error_model import BANDS, POGSON
from skyassay.simulator.expectations.model import Error, Expectation, Value
from skyassay.simulator.geometry import basis
from skyassay.simulator.nominal_population import nominal_population
from skyassay.simulator.observe import FIELD_RADIUS
from skyassay.simulator.population import Population
from skyassay.simulator.presets import Preset
from skyassay.simulator.twin import Twin
from skyassay.simulator.wide import CELL_ORDER, NORTH, SOUTH, STANDARD_G_I, STANDARD_R, WideSky

#: Area of a cell in square degrees, over 12: the variance of a place in it along each axis.
_PLACE = 41252.96 / (12 * 4**CELL_ORDER) / 12.0
#: Cuts of the recipes: colour of the main sequence, signal to noise, from saturation on.
G_I, SNR_MIN, BELOW_SATURATION = (0.3, 2.8), 50.0, 1.0
#: Fewest regions that the recipes ask for.
MIN_REGIONS = 3
#: Visits of a coadd where only the selection of stars depends on its depth.
_VISITS = 20
_Z95 = -float(ndtri(0.05))


def cell_variance(twin: Twin, band: str) -> tuple[float, float]:
    """Return the variance of a cell's zero point that regions share, and that they do not.

    mmag squared. A smooth error is averaged over its cell and counted as shared whole.
    """
    t = twin.calibration
    averaged = 1.0 / (1.0 + 2.0 * _PLACE / t.length**2)
    shared = averaged * (t.gray**2 + (t.factor(band) * t.own) ** 2)
    return shared, (t.factor(band) * t.cell) ** 2 + t.flat**2 * flat_pattern()[1]


def pa3(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return PA3, mmag."""
    return float(np.sqrt(sum(cell_variance(twin, band))))


def pf2(twin: Twin, band: str, at: float | None) -> float:
    """Return PF2 in percent: the errors of cells are normal."""
    limit = 15.0 if at is None else at
    return float(200.0 * ndtr(-limit / pa3(twin, band)))


def pa4(twin: Twin, band: str, at: float | None) -> float:
    """Return PA4, mmag."""
    return -pa3(twin, band) * float(ndtri((10.0 if at is None else at) / 200.0))


def pa5(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the offset of the colour of a band and the next redder one, mmag."""
    one, other = _pair(band)
    t = twin.calibration
    term = t.colour_term(one) - t.colour_term(other)
    return t.offset(one) - t.offset(other) + term * _mean_colour(twin, (one, other))


def pa6(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the offset of a band from the AB scale, mmag."""
    t = twin.calibration
    r, colour = _stars().magnitudes["r"], _colour(_stars())
    fit = (r > STANDARD_R[0]) & (r < STANDARD_R[1])
    fit &= (colour > STANDARD_G_I[0]) & (colour < STANDARD_G_I[1])
    colour_part = t.colour_term(band) * float(colour[fit].mean() - COLOUR_ZERO)
    return t.offset(band) + colour_part + t.flat * flat_pattern()[0]


def _width_error(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    """Return the standard error that the upper limit of a width amounts to."""
    factor = _upper_factor(twin, preset, band)
    return factor if isinstance(factor, str) else value * (factor - 1.0) / _Z95


def _fraction_error(twin: Twin, preset: Preset, band: str, value: float) -> float | str:
    """Return the same of PF2: what the regions say, and how many cells there are."""
    factor = _upper_factor(twin, preset, band)
    if isinstance(factor, str):
        return factor
    p, cells = value / 100.0, _cells(preset) - _regions(preset)
    own = float(betaincinv(p * cells + 0.5, (1.0 - p) * cells + 0.5, 0.95))
    wide = 2.0 * float(ndtr(float(ndtri(max(p, 1e-12) / 2.0)) / factor))
    return 100.0 * float(np.hypot(own - p, wide - p)) / _Z95


def _colour_error(twin: Twin, preset: Preset, band: str, _value: float) -> float | str:
    one, other = _pair(band)
    t, regions = twin.calibration, _regions(preset)
    if preset.wide.regions < MIN_REGIONS:
        return "NOT_MEASURED"
    factor = t.factor(one) ** 2 + t.factor(other) ** 2
    variance = factor * (t.own**2 / regions + t.cell**2 / _cells(preset))
    return _student(float(np.sqrt(variance)), regions)


def _absolute_error(twin: Twin, preset: Preset, band: str, _value: float) -> float | str:
    regions = preset.wide.regions
    if regions < MIN_REGIONS:
        return "NOT_MEASURED"
    shared, own = cell_variance(twin, band)
    noise = 2.0 * twin.errors[band].floor_mmag ** 2 + 25.0 * (band == "u")
    variance = shared + (own + noise) / preset.wide.standards
    return _student(float(np.sqrt(variance / regions)), regions)


def _student(error: float, regions: int) -> float:
    """Return a standard error widened to what Student's t makes of it."""
    return error * -float(stdtrit(regions - 1, 0.05)) / _Z95


def _upper_factor(twin: Twin, preset: Preset, band: str) -> float | str:
    """Return the expected upper limit of the width of cells over the width."""
    if preset.wide.regions < MIN_REGIONS:
        return "NOT_MEASURED"
    shared, own = cell_variance(twin, band)
    regions, each = _regions(preset), preset.wide.cells
    between, within = shared + own / each, own * (1.0 - 1.0 / each)
    dofs = regions - 1.0, _cells(preset) - regions
    up = [d / float(chdtri(d, 0.95)) - 1.0 for d in dofs]
    return float(np.sqrt(1.0 + np.hypot(up[0] * between, up[1] * within) / (shared + own)))


def _regions(preset: Preset) -> int:
    """Return the number of regions: those of the wide sky and that of the field."""
    return preset.wide.regions + 1


def _cells(preset: Preset) -> int:
    return _regions(preset) * preset.wide.cells


def _pair(band: str) -> tuple[str, str]:
    index = min(BANDS.index(band), len(BANDS) - 2)
    return BANDS[index], BANDS[index + 1]


@cache
def _stars() -> Population:
    """Return the stars of the wide sky as nodes of a quadrature."""
    cadence = Cadence()
    return nominal_population(WideSky().universe(), cadence.site, cadence.fields[0][1])


def _colour(stars: Population) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.asarray(stars.magnitudes["g"] - stars.magnitudes["i"])


def _mean_colour(twin: Twin, bands: tuple[str, str]) -> float:
    """Return the mean g - i of the main-sequence stars of a colour beyond its zero."""
    stars = _stars()
    colour = _colour(stars)
    keep = (colour >= G_I[0]) & (colour < G_I[1])
    for band in bands:
        errors, mag = twin.errors[band], stars.magnitudes[band]
        depth = 1.25 * np.log10(_VISITS * np.mean(10.0 ** (0.8 * stars.conditions[band].m5)))
        noise = errors.photon_mag(mag, np.full(1, depth))
        keep &= (noise * SNR_MIN <= POGSON) & (mag >= errors.saturation + BELOW_SATURATION)
    return float(colour[keep].mean() - COLOUR_ZERO)


@cache
def flat_pattern() -> tuple[float, float]:
    """Return mean and variance over cells of the mean over a cell of ``2 rho^2 - 1``."""
    from cdshealpix.nested import healpix_to_lonlat

    deep = CELL_ORDER + 3
    every = np.arange(12 * 4**FIELD_ORDER)
    _, lat = healpix_to_lonlat(every.astype(np.uint64), FIELD_ORDER, num_threads=1)
    dec = np.asarray(lat.deg)
    tiles = every[(dec > SOUTH) & (dec < NORTH)][::31]
    inside = 4 ** (deep - FIELD_ORDER)
    fine = (tiles[:, None] * inside + np.arange(inside)).ravel()
    directions = []
    for cells, order in ((fine, deep), (np.repeat(tiles, inside), FIELD_ORDER)):
        lon, lat = healpix_to_lonlat(cells.astype(np.uint64), order, num_threads=1)
        directions.append(basis(np.asarray(lon.deg), np.asarray(lat.deg))[0])
    cosine = np.clip((directions[0] * directions[1]).sum(axis=0), -1.0, 1.0)
    rho = np.minimum(np.degrees(np.arccos(cosine)) / FIELD_RADIUS, 1.0)
    pattern = (2.0 * rho**2 - 1.0).reshape(-1, 4 ** (deep - CELL_ORDER)).mean(axis=1)
    return float(pattern.mean()), float(pattern.var())


def _of_worst(value: Value, error: Error) -> tuple[Value, Error]:
    """Return both so that a criterion without bands gets those of the worst band."""

    def worst(twin: Twin, at: float | None) -> str:
        return max(BANDS, key=lambda b: abs(value(twin, b, at)))

    return (
        lambda twin, band, at: value(twin, band or worst(twin, at), at),
        lambda twin, preset, band, x: error(twin, preset, band or worst(twin, None), x),
    )


EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("photometry.uniformity.pa3", *_of_worst(pa3, _width_error), unit="mmag"),
    Expectation("photometry.uniformity.pf2", pf2, _fraction_error),
    Expectation("photometry.uniformity.pa4", pa4, _width_error),
    Expectation("photometry.zero_point.pa5", *_of_worst(pa5, _colour_error), unit="mmag"),
    Expectation("photometry.zero_point.pa6", *_of_worst(pa6, _absolute_error)),
)
