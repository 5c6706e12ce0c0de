"""Unusable pixels, sensor by sensor: PixFrac and SensorFraction (LSE-61, DMS-REQ-0359)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Locality, Measurement, Recipe, Table, Tables
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states import keyed_sums
from skyassay.metrics.states.keyed_sums import KeyedSums
from skyassay.metrics.unit_family import number

Floats = NDArray[np.float64]
PRODUCT = "visit_detector_table"
#: No sensor has so many: sums of them stay exact.
_MOST_PIXELS = 2**31 - 1
SRD_PIXELS = Recipe(
    "srd",
    {"PixFrac": 1.0, "SensorFraction": 15.0, "share": "bad pixels of all images over all pixels"},
)


def _none() -> KeyedSums:
    return KeyedSums(1.0)


@dataclass(frozen=True, eq=False)
class PixelCounts:
    """Pixels per sensor, added up over images; `lost` counts images without a sound count."""

    bad: KeyedSums = field(default_factory=_none)
    all: KeyedSums = field(default_factory=_none)
    lost: KeyedSums = field(default_factory=_none)

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return b"\1".join(s.to_bytes() for s in (self.bad, self.all, self.lost))


class _Pixels(BaseMetric):
    """Shared by the two: the share of unusable pixels of every sensor. A census."""

    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_PIXELS}
    locality: ClassVar[Locality] = "row"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("detector"),
            Column("xSize", "pixel"),
            Column("ySize", "pixel"),
            Column("nPixelBad"),
        )
    }

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: it depends on no cut."""
        return "pixel_counts"

    def zero(self) -> PixelCounts:
        """Return the state of no data."""
        return PixelCounts()

    def fold(self, part: Tables) -> PixelCounts:
        """Return the counts of one partition."""
        table = part[PRODUCT]
        sensor = np.asarray(table["detector"]).astype(np.int64)
        total = number(table, "xSize") * number(table, "ySize")
        bad = number(table, "nPixelBad")
        with np.errstate(invalid="ignore"):
            sound = (total > 0) & (total < _MOST_PIXELS) & (bad >= 0) & (bad <= total)
        return PixelCounts(
            keyed_sums.from_values(sensor[sound], bad[sound], 1.0),
            keyed_sums.from_values(sensor[sound], total[sound], 1.0),
            keyed_sums.from_values(sensor[~sound], np.ones(int((~sound).sum())), 1.0),
        )

    def merge(self, a: PixelCounts, b: PixelCounts) -> PixelCounts:
        """Return the counts of both parts."""
        return PixelCounts(
            keyed_sums.merge(a.bad, b.bad),
            keyed_sums.merge(a.all, b.all),
            keyed_sums.merge(a.lost, b.lost),
        )

    def finish(self, state: PixelCounts, at: Bindings) -> list[Measurement]:
        """Return one measurement per bound parameter; none when there was no row at all."""
        lost = int(state.lost.count.sum())
        if not (lost or len(state.all.key)):
            return []
        try:
            share = shares(state)
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state.all.key), n_rejected=lost)]
        notes = {"n_units": len(share), "n_images": int(state.all.count.sum())}
        return [
            self.measured(Value(value, len(share), at=bound, diagnostics=notes))
            for value, bound in self.read(share, at)
        ]

    def read(self, share: Floats, at: Bindings) -> list[tuple[float, Mapping[str, float]]]:
        """Return the values at every bound parameter."""
        raise NotImplementedError

    def bound(self, parameter: str, at: Bindings) -> tuple[float, ...]:
        """Return the values a requirement binds in any band, or the recipe's own."""
        given = {v for values in at.get(parameter, {}).values() for v in values}
        return tuple(sorted(given)) if given else (float(self.recipe[parameter]),)

    def evidence(self, state: PixelCounts) -> Mapping[str, Table]:
        """Return the share of unusable pixels of every sensor, %."""
        try:
            share = shares(state)
        except NotMeasured:
            return {}
        return {"": {"value": share, "detector": state.all.key}}


def shares(state: PixelCounts) -> Floats:
    """Return the share of unusable pixels of every sensor, %.

    Raises
    ------
    NotMeasured
        ``incomplete_census`` when an image has no sound count, ``no_bad_pixels`` when no
        sensor has a single one: then nobody counted.
    """
    lost: NDArray[Any] = state.lost.count
    if lost.sum():
        raise NotMeasured(
            "incomplete_census",
            f"{int(lost.sum())} images of {len(lost)} sensors have no sound count of pixels; "
            "none may be left out.",
        )
    if not state.bad.total.any():
        raise NotMeasured(
            "no_bad_pixels",
            "No sensor has a single bad pixel: the masks were not counted.",
        )
    return np.asarray(100.0 * state.bad.total / state.all.total)


class SensorFraction(_Pixels):
    """Share of sensors in which more than PixFrac % of the pixels are unusable, %.

    LSE-61, DMS-REQ-0359. Unusable pixels of all images of a sensor over all its pixels; a
    census of the sensors that are there.

    Differs from the peers: analysis_tools counts masked pixels of images, not of sensors.
    Not measured when: an image has no sound count, or no pixel at all is bad.
    """

    id = "instrument.pixels.sensorfraction"
    unit = "%"
    title = "Sensors with many unusable pixels (SensorFraction at PixFrac)"
    requirements = ("DMS-REQ-0359/SensorFraction",)
    at_units = {"PixFrac": "%"}  # noqa: RUF012

    def read(self, share: Floats, at: Bindings) -> list[tuple[float, Mapping[str, float]]]:
        """Return the share of sensors at every bound share of pixels."""
        return [
            (100.0 * float((share > x).mean()), {"PixFrac": x}) for x in self.bound("PixFrac", at)
        ]


class PixFrac(_Pixels):
    """Share of unusable pixels that at most SensorFraction % of the sensors exceed, %.

    LSE-61, DMS-REQ-0359: the sensors that are allowed to fail are left out, and the worst of
    the others decides; a census of the sensors that are there.

    Differs from the peers: analysis_tools counts masked pixels of images, not of sensors.
    Not measured when: an image has no sound count, or no pixel at all is bad.
    """

    id = "instrument.pixels.pixfrac"
    unit = "%"
    title = "Unusable pixels of a sensor (PixFrac at SensorFraction)"
    requirements = ("DMS-REQ-0359/PixFrac",)
    at_units = {"SensorFraction": "%"}  # noqa: RUF012

    def read(self, share: Floats, at: Bindings) -> list[tuple[float, Mapping[str, float]]]:
        """Return the share of pixels at every bound share of sensors."""
        ordered = np.sort(share)[::-1]
        found: list[tuple[float, Mapping[str, float]]] = []
        for percent in self.bound("SensorFraction", at):
            allowed = int(np.floor(percent / 100.0 * len(ordered) + 1e-9))
            worst = ordered[min(allowed, len(ordered) - 1)]
            found.append((float(worst), {"SensorFraction": percent}))
        return found
