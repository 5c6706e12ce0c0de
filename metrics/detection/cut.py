"""Completeness and purity at one cut, the cut chosen on a disjoint half of the sky."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Bindings, Column, Measurement, Recipe, Scalar, Table
from skyassay.metrics.detection.counting import against_magnitude, magnitude, percent
from skyassay.metrics.detection.recipes import CUT, OBJECT_COLUMNS
from skyassay.metrics.detection.truth import Matched, TruthMetric, inputs_of
from skyassay.metrics.plugin import NotMeasured, Value
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.sky_sample import SkySample

Bools = NDArray[np.bool_]
#: The halves of the sky, by the last bit of the hash of a patch.
CHOOSING, JUDGING = 0, 1


class _AtCut(TruthMetric):
    """Shared by the two: the halves of the sky and the chosen cut."""

    unit = "%"
    requirements = ()
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": CUT}
    object_columns: ClassVar[Mapping[str, Column]] = OBJECT_COLUMNS
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = inputs_of(OBJECT_COLUMNS)
    at_units: ClassVar[Mapping[str, str]] = {"snr": ""}
    diagnostic: ClassVar[bool] = True

    def finish(self, state: SkySample, at: Bindings) -> list[Measurement]:
        """Return the share on the half that did not choose the cut."""
        if not state.counts:
            return []
        band = self.recipe["band"]
        try:
            return [self.measured(self._value(self.match(state), at), band=band)]
        except NotMeasured as why:
            return [self.not_measured(why, band=band, diagnostics=dict(state.counts))]

    def pick(self, m: Matched, snr: float) -> tuple[Bools, NDArray[np.int64]]:
        """Return hits and patches of the sources that the share is about."""
        raise NotImplementedError

    def _value(self, m: Matched, at: Bindings) -> Value:
        given = at.get("snr", {}).get(self.recipe["band"])
        snr = given[0] if given else self._chosen(m)
        hit, block = self.pick(m, snr)
        notes: dict[str, Scalar] = {"snr_chosen": snr, "n_truth": len(m.hit)}
        v = percent(hit, block, self.recipe, "min_sources", notes)
        return Value(v.value, v.n, v.interval, {"snr": snr}, None, v.diagnostics)

    def _chosen(self, m: Matched) -> float:
        """Return the lowest of the tried cuts that is as pure as wanted on its half."""
        for snr in sorted(self.recipe["tried"]):
            pure, _ = _purity(m, CHOOSING, snr)
            enough = len(pure) >= self.recipe["min_sources"]
            if enough and 100.0 * float(pure.mean()) >= self.recipe["purity_wanted"]:
                return float(snr)
        raise NotMeasured(
            "no_cut_pure_enough",
            f"On the half of the sky that chooses, no tried cut is "
            f"{self.recipe['purity_wanted']:g} % pure.",
        )


class CompletenessAtCut(_AtCut):
    """Share of the true sources of i = 20 to 24 that are detected above the S/N cut, %.

    The cut is the lowest of those tried that is 95 % pure on the half of the sky (patches of
    0.35 deg, by hash) that is not used here, so that noise in its choice flatters nobody.

    Source: the form of LSE-30's joint criteria (completeness and purity at one cut).
    Differs from the peers: none computes both at one cut.
    Not measured when: no tried cut is pure enough, fewer than 3 patches or 100 sources.
    """

    id = "detection.cut.completeness"
    title = "Completeness of detections at the chosen S/N cut"

    def pick(self, m: Matched, snr: float) -> tuple[Bools, NDArray[np.int64]]:
        """Return which true sources of the half are found above the cut."""
        low, high = self.recipe["mag"]
        found = np.zeros(len(m.hit), dtype=bool)
        above = (m.pair >= 0) & (_snr(m) >= snr)
        found[m.pair[above]] = True
        half = _half(m.block_truth) == JUDGING
        use = half & m.counted_truth & (m.truth["mag"] >= low) & (m.truth["mag"] < high)
        return found[use], m.block_truth[use]

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return the share detected (percent) in bins of true magnitude."""
        m = self.match(state)
        use = m.counted_truth
        return {self.recipe["band"]: against_magnitude(m.truth["mag"][use], m.hit[use])}


class PurityAtCut(_AtCut):
    """Share of the detections above the S/N cut that belong to a true source, %.

    The cut and the half of the sky are those of `detection.cut.completeness`.

    Source: the form of LSE-30's joint criteria (completeness and purity at one cut).
    Differs from the peers: none computes both at one cut.
    Not measured when: no tried cut is pure enough, fewer than 3 patches or 100 sources.
    """

    id = "detection.cut.purity"
    title = "Purity of detections at the chosen S/N cut"

    def pick(self, m: Matched, snr: float) -> tuple[Bools, NDArray[np.int64]]:
        """Return which detections of the half above the cut are true."""
        return _purity(m, JUDGING, snr)

    def evidence(self, state: SkySample) -> Mapping[str, Table]:
        """Return the share that is true (percent) in bins of measured magnitude."""
        m = self.match(state)
        use = m.counted_found
        table = against_magnitude(magnitude(m.found["flux"][use]), m.pair[use] >= 0)
        return {self.recipe["band"]: table}


def _snr(m: Matched) -> NDArray[np.float64]:
    """Return the S/N of each detection; -inf where it has none."""
    flux, error = m.found["flux"], m.found["error"]
    good = np.isfinite(flux) & np.isfinite(error) & (error > 0)
    return np.where(good, flux / np.where(good, error, 1.0), -np.inf)


def _half(block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return to which half of the sky each patch belongs."""
    return np.asarray(splitmix64(block) % np.uint64(2)).astype(np.int64)


def _purity(m: Matched, half: int, snr: float) -> tuple[Bools, NDArray[np.int64]]:
    """Return, for the detections above a cut in the patches of a half, which are true."""
    use = (_half(m.block_found) == half) & m.counted_found & (_snr(m) >= snr)
    return m.pair[use] >= 0, m.block_found[use]
