"""Repeatability of faint objects in bins of signal to noise: a diagnostic, no requirement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.selection import FLAGS
from skyassay.metrics.states.keyed_sums import KeyedSums, from_values, merge
from skyassay.metrics.statistics.factors import median_factor

Floats = NDArray[np.float64]
PRODUCT = "matched_source"
BANDS = ("u", "g", "r", "i", "z", "y")
#: Relative width of the classes that scatters are counted in, and the least scatter, mmag.
CLASS, LEAST = 1e-3, 1e-2
#: Classes of one bin; a scatter beyond the last counts in the last.
CLASSES = 2**15
#: Scatters are added up in these steps, mmag.
STEP = 1e-3
_BINS = {"snr_bins": [[5.0, 10.0], [10.0, 20.0], [20.0, 40.0], [40.0, 80.0]], "min_objects": 10}
RECIPES: Mapping[str, Recipe] = {
    "srd": Recipe(
        "srd",
        {**_BINS, "min_visits": 3, "ddof": 1, "statistic": "median of median-unbiased deviations"},
    ),
    "faro": Recipe("faro", {**_BINS, "min_visits": 2, "ddof": 0, "statistic": "median"}),
}


@dataclass(frozen=True)
class _Faint(BaseMetric):
    """Shared by the three: scatters of objects counted in fine classes, bin by bin."""

    unit: ClassVar[str] = "mmag"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = RECIPES
    locality: ClassVar[Locality] = "object"
    flux: ClassVar[str] = "psfFlux"
    galaxies: ClassVar[bool] = False

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(STEP)

    def fold(self, part: Tables) -> KeyedSums:
        """Return the scatters of the objects of one partition, counted in classes."""
        table = part[PRODUCT]
        names = np.asarray(table["band"]).astype(str)
        keys, values, counts = [], [], {}
        for index, band in enumerate(BANDS):
            here = np.flatnonzero(names == band)
            if not len(here):
                continue
            scatter, snr = self._scatters(table, here)
            counts[f"rows_{band}"] = len(here)
            for number, (low, high) in enumerate(self.recipe["snr_bins"]):
                mine = scatter[(snr >= low) & (snr < high)]
                place = (index * len(self.recipe["snr_bins"]) + number) * CLASSES
                keys.append(place + _class_of(mine))
                values.append(mine)
        if not keys:
            return self.zero()
        return from_values(np.concatenate(keys), np.concatenate(values), STEP, counts)

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the counts of both parts."""
        return merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the median scatter of every band and bin."""
        bins = self.recipe["snr_bins"]
        return [
            self._bin(state, index * len(bins) + number, band, f"{low:g}-{high:g}")
            for index, band in enumerate(BANDS)
            if f"rows_{band}" in state.counts
            for number, (low, high) in enumerate(bins)
        ]

    def _bin(self, state: KeyedSums, place: int, band: str, name: str) -> Measurement:
        mine = state.key // CLASSES == place
        count = state.count[mine]
        number, least = int(count.sum()), self.recipe["min_objects"]
        if number < least:
            why = NotMeasured(
                "too_few_objects",
                f"{number} objects have a median signal to noise of {name}; "
                f"the recipe needs {least}.",
            )
            return replace(self.not_measured(why, band=band, n=number), component=name)
        middle = int(np.searchsorted(np.cumsum(count), 0.5 * number))
        # What is in a class differs by a thousandth: its mean stands for all of it.
        value = float(state.mean[mine][middle])
        if not value > LEAST:
            why = NotMeasured("no_scatter", "The objects repeat exactly: they are copies.")
            return replace(self.not_measured(why, band=band, n=number), component=name)
        found = Value(value, number, component=name, diagnostics={"n_units": number})
        return self.measured(found, band=band)

    def _scatters(self, table: Table, rows: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return scatter (mmag) and median signal to noise of the objects of one band."""
        good = rows[usable(table, self.flux)[rows]]
        ids = np.asarray(table["objectId"])[good]
        order = np.lexsort((np.asarray(table["visit"])[good], ids))
        good, ids = good[order], ids[order]
        if not len(good):
            return np.empty(0), np.empty(0)
        starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
        count = np.diff(np.r_[starts, len(ids)])
        flux, error = (
            np.asarray(table[n], np.float64)[good] for n in (self.flux, f"{self.flux}Err")
        )
        mag = -2.5e3 * np.log10(flux)
        extended = np.asarray(table["extendedness"], np.float64)[good]
        mean = np.add.reduceat(mag, starts) / count
        square = np.add.reduceat((mag - np.repeat(mean, count)) ** 2, starts)
        if self.galaxies:
            kind = np.minimum.reduceat(extended, starts) > 0.5
        else:
            kind = np.maximum.reduceat(extended, starts) < 0.5
        keep = kind & (count >= self.recipe["min_visits"])
        dof = np.maximum(count - self.recipe["ddof"], 1)
        scatter = np.sqrt(square / dof)
        if self.recipe.name == "srd":
            scatter = scatter / median_factor(dof.astype(np.float64))
        return scatter[keep], _medians(flux / error, starts, count)[keep]


def usable(table: Table, flux: str) -> NDArray[np.bool_]:
    """Return which rows have a positive flux, an error and no flag."""
    value, error = (np.asarray(table[n], dtype=np.float64) for n in (flux, f"{flux}Err"))
    extended = np.asarray(table["extendedness"], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        good = np.isfinite(value) & (value > 0) & np.isfinite(error) & (error > 0)
    good &= np.isfinite(extended)
    for name in FLAGS:
        if name in table:
            good &= ~np.asarray(table[name]).astype(bool)
    if "detect_isPrimary" in table:
        good &= np.asarray(table["detect_isPrimary"]).astype(bool)
    return good


def _class_of(scatter: Floats) -> NDArray[np.int64]:
    """Return the class of each scatter: equal steps of its logarithm."""
    steps = np.log(np.maximum(scatter, LEAST) / LEAST) / math.log1p(CLASS)
    return np.minimum(np.floor(steps), CLASSES - 1).astype(np.int64)


def _medians(values: Floats, starts: NDArray[np.intp], count: NDArray[np.intp]) -> Floats:
    """Return the median of each group of consecutive finite values."""
    group = np.repeat(np.arange(len(starts)), count)
    ordered = values[np.lexsort((values, group))]
    return np.asarray(0.5 * (ordered[starts + (count - 1) // 2] + ordered[starts + count // 2]))


def _columns(flux: str) -> Mapping[str, tuple[Column, ...]]:
    return {
        PRODUCT: (
            Column("objectId"),
            Column("visit"),
            Column("band"),
            Column(flux, "nJy"),
            Column(f"{flux}Err", "nJy"),
            Column("extendedness"),
            Column("detect_isPrimary", optional=True),
            *(Column(name, optional=True) for name in FLAGS),
        )
    }


class PsfStar(_Faint):
    """Scatter of the PSF magnitude of a faint star about its mean, by signal to noise, mmag.

    The median over stars of their standard deviation over visits, freed of its small-sample
    bias, in four bins of the median signal to noise (component: 5-10, 10-20, 20-40, 40-80).

    Source: the non-SRD metrics of validate_drp (psfPhotRepStar1 to 4); no requirement asks
    for it.

    Differs from the peers: `faro` takes the raw standard deviation with ddof 0 of stars with
    two visits or more; validate_drp takes random pairs of visits; in `analysis_tools` a cut on
    the signal to noise of single rows leaves these bins empty.

    Not measured when: fewer than 10 objects are in the bin. Visits in which an object was not
    detected are missing, which lowers the scatter of the faintest bin.
    """

    id = "photometry.faint.psf_star"
    title = "Repeatability of PSF magnitudes of faint stars"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = _columns("psfFlux")


class ModelStar(_Faint):
    """Scatter of the model magnitude of a faint star about its mean, by signal to noise, mmag.

    The median over stars of the standard deviation of their cModelFlux over visits, freed of
    its small-sample bias, in four bins of the median signal to noise (component).

    Source: the non-SRD metrics of validate_drp (modelPhotRepStar1 to 4); no requirement asks
    for it.

    Differs from the peers: `faro` takes the raw standard deviation with ddof 0; validate_drp
    takes random pairs of visits; `analysis_tools` cuts on single rows, which empties the bins.

    Not measured when: there is no cModelFlux, or fewer than 10 objects are in the bin.
    """

    id = "photometry.faint.model_star"
    title = "Repeatability of model magnitudes of faint stars"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = _columns("cModelFlux")
    flux: ClassVar[str] = "cModelFlux"


class ModelGalaxy(_Faint):
    """Scatter of the model magnitude of a faint galaxy, by signal to noise, mmag.

    The median over objects that are extended (above 0.5) in every visit of the standard
    deviation of their cModelFlux, freed of its small-sample bias, in four bins of the median
    signal to noise (component).

    Source: the non-SRD metrics of validate_drp (modelPhotRepGal1 to 4); no requirement asks
    for it.

    Differs from the peers: `faro` takes the raw standard deviation with ddof 0; validate_drp
    takes random pairs of visits; `analysis_tools` cuts on single rows, which empties the bins.

    Not measured when: there is no cModelFlux, or fewer than 10 objects are in the bin.
    """

    id = "photometry.faint.model_galaxy"
    title = "Repeatability of model magnitudes of faint galaxies"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = _columns("cModelFlux")
    flux: ClassVar[str] = "cModelFlux"
    galaxies: ClassVar[bool] = True
