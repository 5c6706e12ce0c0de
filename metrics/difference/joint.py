"""Completeness and purity at one cut on the reliability, chosen on a disjoint half of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Scalar,
    Table,
    Tables,
)
from skyassay.metrics.difference.matching import (
    Paired,
    found_rows,
    merge,
    partner_column,
    partners,
    reliability,
    significant,
    true_rows,
)
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.row_sample import RowSample
from skyassay.metrics.statistics.clustered import clustered_fraction
from skyassay.metrics.statistics.tails import scaled
from skyassay.metrics.unit_family import MOST_MISSING

Bools = NDArray[np.bool_]
#: The halves of the data, by the last bit of the hash of a detector-visit.
CHOOSING, JUDGING = 0, 1
_WORDS = {
    "truth": "true sources that should be found",
    "candidates": "detections beside them",
    "found": "detections of what was not injected",
    "changed": "the truth about those",
}
_KEY = (Column("visit"), Column("detector"))
_SKY = (Column("ra", "deg"), Column("dec", "deg"))
FOUND = (Column("diaSourceId"), *_KEY, *_SKY, Column("snr"), Column("reliability"))
TRUTH = (Column("truthId"), *_KEY, *_SKY, Column("kind"), Column("snr"), Column("seen"))


@dataclass(frozen=True)
class JointMetric(BaseMetric):
    """Shared by completeness and purity of one kind of source: halves, cut, result.

    Subclasses give `pick` and, as class attributes, the tables that completeness is made from.
    """

    unit = "%"
    locality: ClassVar[Locality] = "visit"
    error_units: ClassVar[tuple[str, ...]] = ("visit",)
    at_units: ClassVar[Mapping[str, str]] = {"transSampleSNR": ""}
    #: Detections and truth that completeness is made from; purity is made from plain ones.
    pair_found: ClassVar[str] = "dia_source"
    pair_truth: ClassVar[str] = "truth_dia_source"

    @property
    def state_key(self) -> str:
        """Return what identifies the fold: both of a pair share it."""
        kept = ("radius_arcsec", "least_true_snr", "kinds")
        words = ":".join(str(self.recipe[k]) for k in kept)
        return f"difference:{self.pair_found}:{self.pair_truth}:{words}"

    def zero(self) -> Any:
        """Return the state of no data."""
        return Paired()

    def fold(self, part: Tables) -> Any:
        """Return the true sources and detections of one partition."""
        return Paired(self._truth(part), self._found(part))

    def merge(self, a: Any, b: Any) -> Any:
        """Return the images of both parts."""
        return merge(a, b)

    def finish(self, state: Any, at: Bindings) -> list[Measurement]:
        """Return the share on the half that did not choose the cut."""
        if not any(state.counts.values()):
            return []
        given = {v for values in at.get("transSampleSNR", {}).values() for v in values}
        found = []
        for snr in sorted(given) or [float(self.recipe["transSampleSNR"])]:
            try:
                found.append(self.measured(self._value(state, snr)))
            except NotMeasured as why:
                return [self.not_measured(why, diagnostics=dict(sorted(state.counts.items())))]
        return found

    def pick(self, state: Paired, half: int, snr: float, cut: float) -> tuple[Bools, Any]:
        """Return hits and visits of the sources of a half that the share is about."""
        raise NotImplementedError

    def _value(self, state: Paired, snr: float) -> Value:
        _refuse_holes(state.counts)
        cut = self.chosen(state, snr)
        hit, visit = self.pick(state, JUDGING, snr, cut)
        self._enough(hit, visit)
        n = len(np.unique(visit))
        share, interval = clustered_fraction(hit, visit)
        notes: dict[str, Scalar] = {
            "n_units": n,
            "n_visits": n,
            "cut": cut,
            "n_missed": int((~hit).sum()),
        }
        where = {"transSampleSNR": snr}
        return Value(100.0 * share, len(hit), scaled(interval, 100.0), where, None, notes)

    def _enough(self, hit: Bools, visit: Any) -> None:
        visits = len(np.unique(visit))
        if visits < self.recipe["min_visits"]:
            raise NotMeasured(
                "too_few_visits",
                f"{visits} visits have such sources; {self.recipe['min_visits']} are needed.",
            )
        if len(hit) < self.recipe["min_sources"]:
            raise NotMeasured(
                "too_few_sources",
                f"{len(hit)} sources are in the half that judges; "
                f"{self.recipe['min_sources']} are needed.",
            )

    def chosen(self, state: Paired, snr: float) -> float:
        """Return the cut, from the half that is not judged.

        Raises
        ------
        NotMeasured
            ``nothing_to_choose_from``.
        """
        wanted = self.recipe["wanted"]
        best: tuple[float, ...] = (-np.inf,)
        cut = None
        for tried in sorted(self.recipe["tried"]):
            shares = [pick(state, CHOOSING, snr, tried)[0] for pick in (completeness_of, purity_of)]
            if not all(len(s) for s in shares):
                continue
            margins = [
                (100.0 * float(s.mean()) - w) / (100.0 - w)
                for s, w in zip(shares, wanted, strict=True)
            ]
            if tuple(sorted(margins)) > best:  # the worse decides, the better between equals
                best, cut = tuple(sorted(margins)), float(tried)
        if cut is None:
            raise NotMeasured(
                "nothing_to_choose_from",
                "The half of the data that chooses the cut has no true source or no detection.",
            )
        return cut

    def _truth(self, part: Tables) -> RowSample:
        """Return the true sources that should be found, with what was."""
        truth, found = part[self.pair_truth], part[self.pair_found]
        pair = partners(found, truth, self.recipe["radius_arcsec"])
        n = len(truth["truthId"])
        use = np.isin(np.asarray(truth["kind"]).astype(str), self.recipe["kinds"])
        use &= np.asarray(truth["seen"]).astype(bool)
        use &= significant(truth) >= self.recipe["least_true_snr"]
        extra = {
            "snr": significant(truth),
            "score": partner_column(reliability(found), pair, n),
            "separation": _separation(truth, n),
        }
        made = true_rows(truth, use, extra, "truth")
        usable = {"candidates_used": int(np.isfinite(significant(found)).sum())}
        return replace(made, counts={**made.counts, **usable})

    def _found(self, part: Tables) -> RowSample:
        """Return the detections of what was not injected, and whether they are real."""
        found, truth = part["dia_source"], part["truth_dia_source"]
        strong = significant(truth) >= self.recipe["least_true_snr"]
        there = {n: np.asarray(truth[n])[strong] for n in ("visit", "detector", "ra", "dec")}
        real = partners(found, there, self.recipe["radius_arcsec"]) >= 0
        snr = significant(found)
        extra = {"snr": np.where(np.isfinite(snr), snr, 0.0), "score": reliability(found)}
        use = np.isfinite(snr) & (snr > 0.0)
        made = found_rows(found, use, {**extra, "real": real}, "found")
        return replace(made, counts={**made.counts, "changed_used": int(strong.sum())})


def _refuse_holes(counts: Mapping[str, int]) -> None:
    """Refuse data of which a table has no usable row, or too many that are not.

    Raises
    ------
    NotMeasured
        ``no_usable_row``, ``rows_incomplete``.
    """
    for what in ("truth", "candidates", "found", "changed"):
        if not counts.get(f"{what}_used", 0):
            raise NotMeasured("no_usable_row", f"{_WORDS[what]}: there is no usable row.")
    rows, used = counts["found_rows"], counts["found_used"]
    if rows - used > MOST_MISSING * rows:
        raise NotMeasured(
            "rows_incomplete",
            f"{rows - used} of {rows} detections have no S/N: they may be just the false ones.",
        )


def half_of(rows: RowSample) -> NDArray[np.int64]:
    """Return to which half of the data the detector-visit of each row belongs."""
    key = np.asarray(rows["visit"] * 1000 + rows["detector"], dtype=np.int64)
    return np.asarray(splitmix64(key) % np.uint64(2)).astype(np.int64)


def completeness_of(state: Paired, half: int, snr: float, cut: float) -> tuple[Bools, Any]:
    """Return which true sources of a half are found above the cut, and their visits."""
    rows = state.truth
    if not len(rows):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
    use = (half_of(rows) == half) & (rows["snr"] >= snr)
    return _above(rows["score"][use], cut), rows["visit"][use]


def purity_of(state: Paired, half: int, snr: float, cut: float) -> tuple[Bools, Any]:
    """Return which detections of a half above the cut are real, and their visits."""
    rows = state.found
    if not len(rows):
        return np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64)
    use = (half_of(rows) == half) & (rows["snr"] >= snr) & _above(rows["score"], cut)
    return rows["real"][use], rows["visit"][use]


def against(x: NDArray[np.float64], hit: Bools, edges: NDArray[np.float64], axis: str) -> Table:
    """Return the share of hits (percent) in bins of `x`, empty bins left out."""
    which = np.digitize(x, edges) - 1
    inside = (which >= 0) & (which < len(edges) - 1)
    size = np.bincount(which[inside], minlength=len(edges) - 1)
    hits = np.bincount(which[inside], hit[inside].astype(float), len(edges) - 1)
    full = np.flatnonzero(size)
    middle = 0.5 * (edges[:-1] + edges[1:])
    return {
        "value": 100.0 * hits[full] / size[full],
        "axis": np.full(len(full), axis),
        "at": middle[full],
        "n": size[full].astype(np.int64),
    }


def stacked(tables: Sequence[Table]) -> Mapping[str, Table]:
    """Return curves as one table of evidence; nothing when all are empty."""
    full = [t for t in tables if len(t["value"])]
    return {"": {n: np.concatenate([t[n] for t in full]) for n in full[0]}} if full else {}


def _above(score: NDArray[np.float64], cut: float) -> Bools:
    """Return which scores are at the cut or above; what has none is below every cut."""
    return np.isfinite(score) & (np.where(np.isfinite(score), score, -1.0) >= cut)


def _separation(truth: Table, n: int) -> NDArray[np.float64]:
    if "hostSeparation" not in truth:
        return np.full(n, np.nan)
    return np.asarray(truth["hostSeparation"], dtype=np.float64)
