"""Photometric redshifts against true ones: scatter, outliers, bias (LPM-17 section 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Interval, Measurement, Recipe, Scalar, Table
from skyassay.metrics.detection.counting import enough_blocks
from skyassay.metrics.detection.truth import TruthMetric, inputs_of
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.sky_sample import SkySample
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.robust_width import QUARTILES, robust_width
from skyassay.metrics.statistics.tails import scaled

Floats = NDArray[np.float64]
_ROWS = 4000
PHOTOZ = Recipe(
    "srd",
    {
        "band": "i",
        "cell_deg": 0.1,
        "block_deg": 0.35,
        "radius_arcsec": 0.5,
        "pairing": "each the nearest of the other",
        "min_blocks": 3,
        "mag": [0.0, 25.0],
        "redshift": [0.0, 6.0],
        "redshift_step": 0.5,
        "residual": "(z_phot - z_true) / (1 + z_true)",
        "scatter": "interquartile range / 1.34898",
        "outlier_sigma": 3.0,
        "bias": "median",
        "min_sources": 200,
        "driver": {"scatter": 0.02, "outliers": 10.0, "bias": 0.003},
    },
)
_OBJECTS = {"z": Column("photoz_best")}
_GALAXIES = {"redshift": Column("redshift")}


@dataclass(frozen=True)
class Residuals:
    """Residuals of galaxies with a photometric redshift, and of how many there are none."""

    value: Floats
    redshift: Floats
    mag: Floats
    block: NDArray[np.int64]
    without: int

    @property
    def width(self) -> float:
        """Return the scatter: the interquartile range as a Gaussian's standard deviation."""
        low, high = np.quantile(self.value, [0.25, 0.75])
        return float(high - low) / QUARTILES


class _PhotoZ(TruthMetric):
    """Shared by the three: which galaxies count, and their residuals."""

    requirements = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": PHOTOZ}
    object_columns: ClassVar[Mapping[str, Column]] = _OBJECTS
    galaxy_columns: ClassVar[Mapping[str, Column]] = _GALAXIES
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = inputs_of(_OBJECTS, _GALAXIES)
    diagnostic: ClassVar[bool] = True
    driver: ClassVar[str]

    def finish(self, state: SkySample, at: Bindings) -> list[Measurement]:
        """Return the value over all redshifts; none when there was no row at all."""
        if not state.counts:
            return []
        try:
            r = self.residuals(state)
            number = enough_blocks(r.block, self.recipe)
            value, interval = self.value(r)
        except NotMeasured as why:
            return [self.not_measured(why, diagnostics=dict(state.counts))]
        notes: dict[str, Scalar] = {
            "n_units": number,
            "n_without_photoz": r.without,
            "driver": self.recipe["driver"][self.driver],
            **self._bins(r),
        }
        return [self.measured(Value(value, len(r.value), interval, diagnostics=notes))]

    def value(self, r: Residuals) -> tuple[float, Interval]:
        """Return the value and its interval."""
        raise NotImplementedError

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return residuals against magnitude and redshift, every n-th by place in the state."""
        r = self.residuals(state)
        pick = slice(None, None, max(1, -(-len(r.value) // _ROWS)))
        return {
            "": {"value": r.value[pick], "mag": r.mag[pick], "redshift": r.redshift[pick]},
        }

    def residuals(self, state: SkySample) -> Residuals:
        """Return the residuals of the detected galaxies inside the cuts."""
        m = self.match(state)
        paired = np.flatnonzero((m.pair >= 0) & m.counted_found)
        truth = m.pair[paired]
        mag, z = m.truth["mag"][truth], m.truth["redshift"][truth]
        (bright, faint), (near, far) = self.recipe["mag"], self.recipe["redshift"]
        with np.errstate(invalid="ignore"):
            use = (m.truth["star"][truth] == 0.0) & (mag >= bright) & (mag < faint)
            use &= (z >= near) & (z < far)
        found = m.found["z"][paired]
        good = use & np.isfinite(found)
        residual = (found[good] - z[good]) / (1.0 + z[good])
        without = int((use & ~good).sum())
        made = Residuals(residual, z[good], mag[good], m.block_found[paired][good], without)
        if len(residual) < self.recipe["min_sources"]:
            raise NotMeasured(
                "too_few_sources",
                f"{len(residual)} galaxies inside the cuts have a photometric redshift; "
                f"{self.recipe['min_sources']} are needed.",
            )
        return made

    def _bins(self, r: Residuals) -> dict[str, Scalar]:
        """Return the value in bins of true redshift, as diagnostics."""
        step = self.recipe["redshift_step"]
        bins = np.floor(r.redshift / step)
        notes: dict[str, Scalar] = {}
        for name in np.unique(bins):
            mine = bins == name
            if int(mine.sum()) >= self.recipe["min_sources"]:
                part = Residuals(r.value[mine], r.redshift[mine], r.mag[mine], r.block[mine], 0)
                label = f"z_{name * step:.1f}_{(name + 1) * step:.1f}"
                notes[label] = self.point(part)
        return notes

    def point(self, r: Residuals) -> float:
        """Return the value without an interval."""
        raise NotImplementedError


class PhotoZScatter(_PhotoZ):
    """Robust scatter of photometric redshifts of galaxies with i < 25.

    Interquartile range of (z_phot - z_true) / (1 + z_true), divided by 1.349.

    Source: LPM-17 2.1 (science driver: rms below 0.02); not a requirement, informational.
    Differs from the peers: the interval leaves out patches of sky, which share calibration.
    Not measured when: fewer than 200 galaxies or 3 patches of sky.
    """

    id = "galaxies.photoz.scatter"
    unit = ""
    title = "Scatter of photometric redshifts"
    driver = "scatter"

    def value(self, r: Residuals) -> tuple[float, Interval]:
        """Return the scatter and its interval."""
        return robust_width(r.value, r.block)

    def point(self, r: Residuals) -> float:
        """Return the scatter."""
        return r.width


class PhotoZOutliers(_PhotoZ):
    """Share of galaxies with i < 25 whose photometric redshift is off by over 3 scatters, %.

    Of |z_phot - z_true| / (1 + z_true) about the median, the scatter that of
    `galaxies.photoz.scatter` of the same galaxies.

    Source: LPM-17 2.1 (science driver: below 10 %); not a requirement, informational.
    Differs from the peers: galaxies without a photometric redshift are counted beside, not
    as good ones.
    Not measured when: fewer than 200 galaxies or 3 patches of sky.
    """

    id = "galaxies.photoz.outliers"
    unit = "%"
    title = "Outliers of photometric redshifts"
    driver = "outliers"

    def value(self, r: Residuals) -> tuple[float, Interval]:
        """Return the share and its interval."""
        share, interval = clustered_fraction(self._outside(r), r.block)
        return 100.0 * share, scaled(interval, 100.0)

    def point(self, r: Residuals) -> float:
        """Return the share in percent."""
        return 100.0 * float(self._outside(r).mean())

    def _outside(self, r: Residuals) -> NDArray[np.bool_]:
        limit = self.recipe["outlier_sigma"] * r.width
        return np.asarray(np.abs(r.value - np.median(r.value)) > limit)


class PhotoZBias(_PhotoZ):
    """Median of (z_phot - z_true) / (1 + z_true) of galaxies with i < 25.

    Source: LPM-17 2.1 (science driver: below 0.003); not a requirement, informational.
    Differs from the peers: a median, which outliers do not decide, with an interval.
    Not measured when: fewer than 200 galaxies or 3 patches of sky.
    """

    id = "galaxies.photoz.bias"
    unit = ""
    title = "Bias of photometric redshifts"
    driver = "bias"

    def value(self, r: Residuals) -> tuple[float, Interval]:
        """Return the median and its interval."""
        return clustered_quantile(r.value, r.block, 0.5)

    def point(self, r: Residuals) -> float:
        """Return the median."""
        return float(np.median(r.value))
