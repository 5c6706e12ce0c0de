"""Depth as detections show it, against the depth that the noise of the image gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.instrument.sky import of_visit
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.selection import FLAGS
from skyassay.metrics.states.keyed_sums import KeyedSums, from_values, merge
from skyassay.metrics.unit_family import ABSURD, EVIDENCE_ROWS, number

Floats = NDArray[np.float64]
SOURCES, VISITS = "matched_source", "visit_table"
BANDS = np.array(list("ugrizy"))
#: A key of the sums is visit x this + number of the band.
_BAND_FACTOR = 8
NJY_ZERO_POINT = 31.4
SRD_DETECTIONS = Recipe(
    "srd",
    {
        "snr": [5.0, 10.0],
        "extendedness_max": 0.5,
        # Share of the noise that is not the source's own (Ivezic et al. 2019, eq. 5).
        "gamma": 0.039,
        "min_sources": 5,
        "min_visits": 3,
        "step_mag": 1e-5,
        "statistic": "median over visits of the mean over sources",
    },
)


class DepthFromDetections(BaseMetric):
    """Depth at which the quoted noise of faint sources gives S/N 5, less the visit's, mag.

    A cross-check of the five-sigma depth of LPM-17 section 3.3.2: point sources of S/N 5 to 10
    tell, by their own flux errors, at which magnitude S/N is 5; the visit table says what the
    noise of the image, its PSF and its zero point give. Both should agree. The part of the
    noise that is the source's own is taken off by the model of Ivezic et al. (2019), eq. 5.

    Differs from the peers: analysis_tools (FiveSigmaPointSourceDepth) takes the median
    magnitude of stars of S/N 4.75 to 5.25, which needs many and leans on what is detected.
    Not measured when: no visit has five such sources (out of scope), or fewer than three do.
    """

    id = "depth.crosscheck.detections"
    unit = "mag"
    title = "Depth from detections less depth from noise"
    requirements = ()
    diagnostic: ClassVar[bool] = True
    locality: ClassVar[Locality] = "row"
    error_units = ("visit",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_DETECTIONS}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        SOURCES: (
            Column("visit"),
            Column("band"),
            Column("psfFlux", "nJy"),
            Column("psfFluxErr", "nJy"),
            Column("extendedness"),
            *(Column(name, optional=True) for name in FLAGS),
        ),
        VISITS: (Column("visit"), Column("magLim", "mag")),
    }

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(self.recipe["step_mag"])

    def fold(self, part: Tables) -> KeyedSums:
        """Return the sums, per visit, of what its faint sources say."""
        table = part[SOURCES]
        flux, error = number(table, "psfFlux"), number(table, "psfFluxErr")
        low, high = self.recipe["snr"]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            snr = flux / error
            keep = (snr >= low) & (snr < high) & (error > 0)
            keep &= number(table, "extendedness") < self.recipe["extendedness_max"]
        for name in FLAGS:
            if name in table:
                keep &= ~np.asarray(table[name]).astype(bool)
        band = np.asarray(table["band"]).astype(str)[keep]
        index = np.searchsorted(_SORTED, band)
        index = np.minimum(index, len(_SORTED) - 1)
        visit = np.asarray(table["visit"]).astype(np.int64)[keep]
        depth = depth_of(flux[keep], error[keep], self.recipe["gamma"])
        off = depth - of_visit(part[VISITS], visit, "magLim")
        good = (_SORTED[index] == band) & (np.abs(off) < ABSURD)
        key = visit * _BAND_FACTOR + index
        return from_values(key[good], off[good], self.recipe["step_mag"])

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the sums of both parts."""
        return merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the difference of every band in which there was a faint source."""
        if not len(state.key):
            why = NotMeasured(
                "out_of_scope_no_faint_sources",
                "No point source is near S/N 5, so detections say nothing of the depth.",
            )
            return [self.not_measured(why)]
        return [self._band(state, int(b)) for b in np.unique(state.key % _BAND_FACTOR)]

    def _band(self, state: KeyedSums, band: int) -> Measurement:
        mine = self._visits(state, band)
        visits, sources = int(mine.sum()), int(state.count[mine].sum())
        name = str(_SORTED[band])
        if visits < self.recipe["min_visits"]:
            why = NotMeasured(
                "too_few_visits" if visits else "out_of_scope_no_faint_sources",
                f"{visits} visits have {self.recipe['min_sources']} point sources near S/N 5.",
            )
            return self.not_measured(why, band=name, n=visits)
        notes: dict[str, Scalar] = {"n_visits": visits, "n_units": visits, "n_sources": sources}
        return self.measured(
            Value(float(np.median(state.mean[mine])), visits, diagnostics=notes), band=name
        )

    def _visits(self, state: KeyedSums, band: int) -> NDArray[np.bool_]:
        enough = state.count >= self.recipe["min_sources"]
        return np.asarray((state.key % _BAND_FACTOR == band) & enough)

    def evidence(self, state: KeyedSums) -> Mapping[str, Table]:
        """Return the difference of each visit."""
        found: dict[str, Table] = {}
        for band in np.unique(state.key % _BAND_FACTOR):
            mine = np.flatnonzero(self._visits(state, int(band)))[:EVIDENCE_ROWS]
            if len(mine):
                visit: NDArray[Any] = state.key[mine] // _BAND_FACTOR
                found[str(_SORTED[band])] = {"value": state.mean[mine], "visit": visit}
        return found


_SORTED = np.sort(BANDS)


def depth_of(flux: Floats, error: Floats, gamma: float) -> Floats:
    """Return the magnitude at which a source of the same image would have S/N 5.

    Parameters
    ----------
    flux, error : ndarray, shape (n,)
        nJy.
    gamma : float
        Of Ivezic et al. (2019), eq. 5: (noise / signal)^2 = (0.04 - gamma) x + gamma x^2 with
        x = 10^(0.4 (m - m5)), which is 1 at S/N 5.
    """
    linear = 0.04 - gamma
    x = (np.sqrt(linear**2 + 4.0 * gamma * (error / flux) ** 2) - linear) / (2.0 * gamma)
    return np.asarray(NJY_ZERO_POINT - 2.5 * np.log10(flux * x))
