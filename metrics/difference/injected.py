"""Injected sources beside what was measured of them: fluxes, positions, what is found at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.difference.matching import (
    partner_column,
    partners,
    significant,
    true_rows,
)
from skyassay.metrics.difference.recipes import INJECTED
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.row_sample import RowSample, merge
from skyassay.metrics.statistics.clustered import clustered_mean
from skyassay.metrics.unit_family import number, spread

Floats = NDArray[np.float64]
FOUND, TRUTH = "injected_dia_source", "truth_injected_source"
_KEY = (Column("visit"), Column("detector"), Column("ra", "deg"), Column("dec", "deg"))
_ZERO_POINT = 31.4
_MAS = 3.6e6


@dataclass(frozen=True)
class InjectedMetric(BaseMetric):
    """Shared by metrics of injected sources: one row per source and image, with what was found.

    Subclasses give `values`.
    """

    requirements: ClassVar[tuple[str, ...]] = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": INJECTED}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        FOUND: (
            Column("diaSourceId"),
            *_KEY,
            Column("psfFlux", "nJy"),
            Column("psfFluxErr", "nJy"),
        ),
        TRUTH: (
            Column("truthId"),
            *_KEY,
            *(Column(n) for n in ("band", "kind", "seen", "snr")),
            Column("flux", "nJy"),
        ),
    }
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: all share it."""
        return f"difference:injected:{self.recipe['radius_arcsec']}"

    def zero(self) -> RowSample:
        """Return the state of no data."""
        return RowSample(("visit", "detector", "truthId"))

    def fold(self, part: Tables) -> RowSample:
        """Return the injected sources of one partition with what was measured of them."""
        truth, found = part[TRUTH], part[FOUND]
        n = len(truth["truthId"])
        pair = partners(found, truth, self.recipe["radius_arcsec"])
        mine = {c: partner_column(number(found, c), pair, n) for c in _MEASURED}
        place = {c: np.where(np.isfinite(v := number(truth, c)), v, np.nan) for c in ("ra", "dec")}
        east = (mine["ra"] - place["ra"] + 180.0) % 360.0 - 180.0
        use = np.asarray(truth["seen"]).astype(bool) & np.isfinite(number(truth, "flux"))
        use &= np.isin(np.asarray(truth["kind"]).astype(str), self.recipe["kinds"])
        extra = {
            "band": np.asarray(truth["band"]).astype(str),
            "snr": significant(truth),
            "true": number(truth, "flux"),
            "found": partner_column(np.ones(len(pair)), pair, n, 0.0) > 0.0,
            "flux": mine["psfFlux"],
            "error": mine["psfFluxErr"],
            "east": east * np.cos(np.radians(place["dec"])) * _MAS,
            "north": (mine["dec"] - place["dec"]) * _MAS,
        }
        return true_rows(truth, use, extra, "truth")

    def merge(self, a: RowSample, b: RowSample) -> RowSample:
        """Return the sources of both parts."""
        return merge(a, b)

    def finish(self, state: RowSample, at: Bindings) -> list[Measurement]:
        """Return the values; none when there was no row at all."""
        rows = state.counts.get("truth_rows", 0)
        if not rows:
            return []
        try:
            if not len(state):
                raise NotMeasured("no_usable_row", f"None of {rows} true sources can be used.")
            return [self.measured(v) for v in self.values(state)]
        except NotMeasured as why:
            return [self.not_measured(why, n=len(state))]

    def values(self, rows: RowSample) -> list[Value]:
        """Return the values.

        Raises
        ------
        NotMeasured
            With the reason.
        """
        raise NotImplementedError

    def bright(self, rows: RowSample) -> NDArray[np.bool_]:
        """Return which sources were found and are so bright that few of their kind are not.

        Raises
        ------
        NotMeasured
            ``too_few_sources``, ``too_few_visits``, ``no_flux``.
        """
        use = rows["found"] & (rows["snr"] >= self.recipe["min_snr"])
        unsound = use & ~(np.isfinite(rows["flux"]) & (np.nan_to_num(rows["error"]) > 0.0))
        if unsound.sum() > self.recipe["most_without_flux"] * max(int(use.sum()), 1):
            raise NotMeasured("no_flux", f"{int(unsound.sum())} detections have no sound flux.")
        use &= ~unsound
        visits = len(np.unique(rows["visit"][use]))
        if use.sum() < self.recipe["min_sources"]:
            raise NotMeasured(
                "too_few_sources",
                f"{int(use.sum())} such sources were found; {self.recipe['min_sources']} are "
                "needed.",
            )
        if visits < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"They are in {visits} visits only.")
        return np.asarray(use)


_MEASURED = ("ra", "dec", "psfFlux", "psfFluxErr")


def of_visits(
    values: Floats, visit: NDArray[np.int64], component: str | None = None, *, root: bool = False
) -> Value:
    """Return a mean over visits as a value, or the root of a mean of squares."""
    value, interval = clustered_mean(values, visit)
    n = len(np.unique(visit))
    notes: dict[str, Scalar] = {"n_units": n, "n_visits": n}
    if root:
        value, interval = float(np.sqrt(value)), _root(interval)
    return Value(value, len(values), interval, None, component, notes)


def _root(interval: Interval) -> Interval:
    """Return the interval of the root of a mean of squares."""
    low, high, lower, upper = (
        float(np.sqrt(max(v, 0.0)))
        for v in (interval.low, interval.high, interval.lower, interval.upper)
    )
    return Interval(low, high, interval.confidence, interval.method, lower, upper)


def magnitude(flux: Floats) -> Floats:
    """Return AB magnitudes of fluxes above zero in nJy."""
    return np.asarray(_ZERO_POINT - 2.5 * np.log10(flux))


def single(rows: RowSample, of: Callable[[RowSample], Floats]) -> Mapping[str, Table]:
    """Return one row of evidence per source that was found."""
    if not len(rows):
        return {}
    with np.errstate(invalid="ignore", divide="ignore"):
        value = of(rows)
        use = np.flatnonzero(np.isfinite(value) & (rows["true"] > 0.0))
    use = use[spread(len(use))]
    table = {"value": value[use], "mag": magnitude(rows["true"][use]), "snr": rows["snr"][use]}
    return {"": table} if len(use) else {}
