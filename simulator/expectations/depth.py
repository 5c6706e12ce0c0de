"""What depth of visits and detectors of the twin should be: D1, DF1, Z1, DB1, DF2, Z2."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from skyassay.simulator.conditions import DARK_SKY, DEPTH, DEPTH_MARGIN, ZENITH_SEEING
from skyassay.simulator.expectations.intervals import (
    Layout,
    fraction_error,
    layout,
    quantile_error,
    scatter_of,
)
from skyassay.simulator.expectations.model import Expectation
from skyassay.simulator.mixture import Mixture
from skyassay.simulator.presets import PRESETS, SURVEY, Preset
from skyassay.simulator.twin import Twin

Floats = NDArray[np.float64]
#: Cuts of the recipe: zero points this near to the clear one, mag, and which that is.
PHOTOMETRIC, CLEAR_QUANTILE = 0.05, 0.9


def fiducial(band: str) -> float:
    """Return the depth under fiducial conditions (LPM-17 3.3.2.2), mag."""
    seeing = 0.7 * ZENITH_SEEING[band] / ZENITH_SEEING["r"]
    sky = DARK_SKY[band] - DARK_SKY["r"] + 21.0
    depth = DEPTH[band] + DEPTH_MARGIN + 0.5 * (sky - 21.0)
    return float(depth + 2.5 * np.log10(0.7 / seeing))


@cache
def clouds(twin: Twin) -> tuple[Floats, Floats]:
    """Return the cloud that photometric visits are let through with: weights, mag."""
    site, q = PRESETS[0].cadence.site, twin.images
    share = (np.arange(256) + 0.5) / 256
    cloud = np.r_[0.0, -site.cloud_mag * np.log1p(-share)]
    weight = np.r_[1.0 - site.cloudy_share, np.full(256, site.cloudy_share / 256)]
    noise = scatter_of(q.throughput_night, q.throughput_visit, q.zero_point)
    zero = Mixture(weight, -cloud, np.full(257, noise))
    grid = np.linspace(-0.2, 4.0 * noise, 4001)
    below = np.average(ndtr((grid[:, None] - zero.means) / noise), axis=1, weights=weight)
    clear = float(np.interp(CLEAR_QUANTILE, below, grid))
    return weight * ndtr((PHOTOMETRIC - clear - cloud) / noise), cloud


def _depths(twin: Twin, band: str) -> tuple[Floats, Floats, float]:
    """Return weights, means and the common scatter of corrected depths of photometric visits."""
    weight, cloud = clouds(twin)
    q = twin.images
    own = (q.throughput_night, q.throughput_visit, q.depth_night, q.depth_visit)
    return weight, fiducial(band) - cloud, scatter_of(*own)


def depth_quantile(twin: Twin, band: str, share: float) -> float:
    """Return the depth that a share of photometric visits does not reach, mag."""
    weight, mean, scatter = _depths(twin, band)
    grid = np.linspace(mean[0] - 0.3, mean[0] + 0.3, 6001)
    below = np.average(ndtr((grid[:, None] - mean) / scatter), axis=1, weights=weight)
    return float(np.interp(share, below, grid))


def db1(twin: Twin, band: str, _at: float | None = None) -> float:
    """Return the median corrected depth, mag."""
    return depth_quantile(twin, band, 0.5)


def df1(twin: Twin, band: str, at: float | None) -> float:
    """Return the share of visits shallower than Z1, %."""
    weight, mean, scatter = _depths(twin, band)
    limit = 24.4 if at is None else at
    return float(100.0 * np.average(ndtr((limit - mean) / scatter), weights=weight))


def z1(twin: Twin, band: str, at: float | None) -> float:
    """Return the depth that DF1 percent do not reach, mag."""
    return depth_quantile(twin, band, (10.0 if at is None else at) / 100.0)


def _photometric(twin: Twin, preset: Preset) -> Layout:
    q = twin.images
    night = q.throughput_night**2 + q.depth_night**2
    share = night / (night + q.throughput_visit**2 + q.depth_visit**2)
    return layout(preset, float(clouds(twin)[0].sum()), share)


def _median_depth_error(twin: Twin, preset: Preset, band: str, _value: float) -> float | str:
    scatter = _depths(twin, band)[2]
    return quantile_error(_photometric(twin, preset), 0.5, scatter, lower=True)


def _good(preset: Preset, what: float | str) -> float | str:
    """Say what few visits can show under conditions that they may not meet at all."""
    return what if preset is SURVEY else "NOT_APPLICABLE or NOT_MEASURED or INCONCLUSIVE"


def _df1_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    return _good(preset, fraction_error(_photometric(twin, preset), value))


def _z1_error(twin: Twin, preset: Preset, band: str, _value: float) -> float | str:
    scatter = _depths(twin, band)[2]
    found = quantile_error(_photometric(twin, preset), 0.1, scatter, lower=True)
    return _good(preset, found)


def df2(twin: Twin, _band: str, at: float | None) -> float:
    """Return the share of detectors that lose more than Z2, %."""
    limit = 0.2 if at is None else at
    return float(100.0 * ndtr(-limit / twin.detectors.depth_scatter))


def z2(twin: Twin, _band: str, at: float | None) -> float:
    """Return the loss that DF2 percent of the detectors exceed, mag."""
    return -twin.detectors.depth_scatter * float(ndtri((15.0 if at is None else at) / 100.0))


def _detectors(twin: Twin, preset: Preset) -> Layout:
    t = twin.detectors
    found = layout(preset, 1.0, 0.0)
    return Layout(found.visits * len(t.bad_share), found.nights, 0.0)


def _df2_error(twin: Twin, preset: Preset, _band: str, value: float) -> float | str:
    return "NOT_MEASURED" if preset is SURVEY else fraction_error(_detectors(twin, preset), value)


def _z2_error(twin: Twin, preset: Preset, _band: str, _value: float) -> float | str:
    if preset is SURVEY:
        return "NOT_MEASURED"
    scatter = twin.detectors.depth_scatter
    return quantile_error(_detectors(twin, preset), 0.85, scatter, lower=False)


EXPECTATIONS: tuple[Expectation, ...] = (
    Expectation("depth.single_visit.d1", db1, _median_depth_error),
    Expectation("depth.single_visit.db1", db1, _median_depth_error),
    Expectation("depth.single_visit.df1", df1, _df1_error),
    Expectation("depth.single_visit.z1", z1, _z1_error),
    Expectation("depth.focal_plane.df2", df2, _df2_error),
    Expectation("depth.focal_plane.z2", z2, _z2_error),
)
