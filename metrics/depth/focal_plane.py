"""Depth over the focal plane: DF2 and Z2 (LPM-17 section 3.3.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Recipe, Scalar, Table, Tables
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states import row_sample
from skyassay.metrics.states.row_sample import RowSample
from skyassay.metrics.states.unit_rows import UnitRows
from skyassay.metrics.statistics.clustered import clustered_fraction, clustered_quantile
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import (
    ABSURD,
    Columns,
    UnitMetric,
    all_finite,
    night_share,
    nights,
    number,
)

Floats = NDArray[np.float64]
PRODUCT = "visit_detector_table"
#: Detectors kept, in whole visits: 12 MB.
ROW_BOUND = 2**18
SRD_FOCAL_PLANE = Recipe(
    "srd",
    {
        "min_detectors": 5,
        "min_visits": 3,
        "centre": "median of the visit's other detectors",
        "residual_scale": "1 / sqrt(1 + variance of the median of n - 1 normal values)",
        "Z2": 0.2,
        "DF2": 15.0,
    },
)


@dataclass(frozen=True)
class _FocalPlane(UnitMetric):
    """Shared by the two: how far each detector of each visit falls short of the median."""

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_FOCAL_PLANE}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            Column("detector"),
            Column("band"),
            Column("expMidptMJD", "d"),
            Column("magLim", "mag"),
        )
    }
    key: ClassVar[tuple[str, ...]] = ("visit", "detector")

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: it depends on no cut."""
        return "depth_losses"

    def rows(self, part: Tables) -> tuple[Columns, NDArray[np.bool_]]:
        """Return each detector's loss of depth against the median of its visit's others."""
        table = part[PRODUCT]
        columns = {
            "visit": np.asarray(table["visit"]).astype(np.int64),
            "detector": np.asarray(table["detector"]).astype(np.int64),
            "band": np.asarray(table["band"]).astype(str),
            "mjd": number(table, "expMidptMJD"),
            "depth": number(table, "magLim"),
        }
        usable = all_finite(columns) & (np.abs(columns["depth"]) < ABSURD)
        median, count = median_of_others(columns["visit"], columns["depth"], usable)
        loss = (median - columns.pop("depth")) * scale_of_others(count)
        return {**columns, "loss": loss, "detectors": count}, usable & (count > 1)

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(self.key, bound=ROW_BOUND)

    def state_of(self, columns: Columns, counts: Mapping[str, int]) -> RowSample:
        """Return a bounded sample of whole visits: a survey has too many detectors to keep."""
        return row_sample.from_rows(self.key, columns, counts, bound=ROW_BOUND)

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the visits of both parts, within the bound."""
        return row_sample.merge(a, b)

    def kept(self, state: RowSample) -> UnitRows:
        """Return the rows of the visits in the sample."""
        return UnitRows(state.key, state.columns, state.counts)

    def chosen(self, rows: UnitRows) -> UnitRows:
        """Return the rows of visits with enough detectors.

        Raises
        ------
        NotMeasured
            ``too_few_detectors``, ``too_few_visits``, ``no_scatter``.
        """
        least = self.recipe["min_detectors"]
        kept = rows.where(rows["detectors"] >= least)
        if not len(kept):
            raise NotMeasured(
                "too_few_detectors", f"No visit has {least} detectors with a depth of their own."
            )
        if len(np.unique(kept["visit"])) < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"Fewer than {self.recipe['min_visits']} visits have {least} detectors or more.",
            )
        if np.ptp(kept["loss"]) == 0.0:
            raise NotMeasured(
                "no_scatter",
                "All detectors of a visit have one depth: it is the visit's, not their own.",
            )
        return kept

    def behind(self, rows: UnitRows, band: str) -> Table:
        """Return the losses of detectors, mag."""
        kept = self.chosen(rows)
        named = {"value": kept["loss"]}
        return named | {n: kept[n] for n in ("detector", "visit", "mjd")}


def median_of_others(
    visit: NDArray[np.int64], depth: Floats, usable: NDArray[np.bool_]
) -> tuple[Floats, NDArray[np.int64]]:
    """Return, for every usable row, the median depth of its visit's other usable rows.

    Returns
    -------
    median : ndarray, shape (n,)
        NaN for a row that is not usable or alone.
    number : ndarray of int, shape (n,)
        Usable rows of the visit, itself included.
    """
    median, number_of = np.full(len(visit), np.nan), np.zeros(len(visit), dtype=np.int64)
    rows = np.flatnonzero(usable)
    if not len(rows):
        return median, number_of
    rows = rows[np.lexsort((depth[rows], visit[rows]))]
    starts = np.flatnonzero(np.r_[True, np.diff(visit[rows]) != 0])
    size = np.diff(np.r_[starts, len(rows)])
    first, n = np.repeat(starts, size), np.repeat(size, size)
    rank = np.arange(len(rows)) - first
    ordered = depth[rows]
    # The others' middle two, counted past the row itself.
    low, high = np.maximum(n - 2, 0) // 2, np.maximum(n - 1, 0) // 2
    low, high = (np.minimum(first + m + (m >= rank), len(rows) - 1) for m in (low, high))
    median[rows] = np.where(n > 1, 0.5 * (ordered[low] + ordered[high]), np.nan)
    number_of[rows] = n
    return median, number_of


def scale_of_others(number_of: NDArray[np.int64]) -> Floats:
    """Return what brings a value less the median of the n - 1 others to the population's scale.

    The two are independent, so their variances add: 1 and, for the median of m normal values,
    pi / (2 m + c) with c of 0.93 for odd and 2.65 for even m (within 1 % of the exact
    variances from m = 3 on).
    """
    m = np.maximum(number_of - 1, 1).astype(np.float64)
    return np.asarray(1.0 / np.sqrt(1.0 + np.pi / (2.0 * m + np.where(m % 2 == 1, 0.93, 2.65))))


def _notes(rows: UnitRows, label: NDArray[np.int64]) -> Mapping[str, Scalar]:
    loss = rows["loss"]
    detectors, index = np.unique(rows["detector"], return_inverse=True)
    mean = np.bincount(index, loss) / np.bincount(index)
    total = float(np.var(loss))
    return {
        "n_units": int(label.max()) + 1,
        "n_visits": len(np.unique(rows["visit"])),
        "n_detectors": len(detectors),
        "budget_night": night_share(loss, label),
        "budget_detector": float(np.var(mean[index]) / total) if total > 0 else 0.0,
    }


class DF2(_FocalPlane):
    """Share of detectors whose depth is more than Z2 below the median of their visit, %.

    LPM-17 section 3.3.2.3. The loss is taken against the median of the visit's other
    detectors and scaled to what it is against the population's. All visits count: the loss is
    relative. Noise of the depths is not removed (a table gives none), so it counts as loss.
    Of more than 262,144 detectors in visits a fair sample of whole visits is kept.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights have five detectors or more, or
    the detectors of a visit all have its depth.
    """

    id = "depth.focal_plane.df2"
    unit = "%"
    title = "Shallow detectors (DF2 at Z2)"
    requirements = ("LPM-17.DF2/value",)
    at_units = {"Z2": "mag"}  # noqa: RUF012

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the share at every bound loss."""
        kept = self.chosen(rows)
        label = nights(kept["mjd"])
        notes = _notes(kept, label)
        found = []
        for limit in self.bound("Z2", band, at):
            share, interval = clustered_fraction(kept["loss"] > limit, label, kept["loss"])
            percent = scaled(interval, 100.0)
            found.append(Value(100.0 * share, len(kept), percent, {"Z2": limit}, None, notes))
        return found


class Z2(_FocalPlane):
    """Loss of depth against the visit's median that DF2 % of the detectors exceed, mag.

    LPM-17 section 3.3.2.3: the (100 - DF2)-th percentile of the losses that DF2 is about.

    Differs from the peers: no published package computes it.
    Not measured when: fewer than three visits or two nights have five detectors or more.
    """

    id = "depth.focal_plane.z2"
    unit = "mag"
    title = "Depth loss over the field (Z2 at DF2)"
    requirements = ("LPM-17.Z2/value",)
    at_units = {"DF2": "%"}  # noqa: RUF012

    def values(self, rows: UnitRows, band: str, at: Bindings) -> list[Value]:
        """Return the loss at every bound share."""
        kept = self.chosen(rows)
        label = nights(kept["mjd"])
        notes = _notes(kept, label)
        found = []
        for percent in self.bound("DF2", band, at):
            value, interval = clustered_quantile(kept["loss"], label, 1.0 - percent / 100.0)
            found.append(Value(value, len(kept), interval, {"DF2": percent}, None, notes))
        return found
