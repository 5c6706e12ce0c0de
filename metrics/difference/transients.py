"""Transients: completeness of injected ones, purity of what is detected (OSS-REQ-0353)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from skyassay.metrics.contract import Column, Recipe, Table
from skyassay.metrics.difference.joint import (
    FOUND,
    TRUTH,
    JointMetric,
    against,
    completeness_of,
    purity_of,
    stacked,
)
from skyassay.metrics.difference.matching import Paired
from skyassay.metrics.difference.recipes import MOVING, TRANSIENTS

#: Bins of S/N of the curves: one wide.
SNR_EDGES = np.arange(3.0, 41.0)
#: Of the distance from the host, arcsec.
HOST_EDGES = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0])
_HOST = Column("hostSeparation", "arcsec", optional=True)


class _Completeness(JointMetric):
    """Shared by completeness of transients and of moving objects."""

    def pick(self, state: Paired, half: int, snr: float, cut: float) -> tuple[Any, Any]:
        """Return which true sources are found above the cut."""
        return completeness_of(state, half, snr, cut)

    def evidence(self, state: Any) -> Mapping[str, Table]:
        """Return the share found (percent, without a cut) against S/N and host separation."""
        rows = state.truth
        if not len(rows):
            return {}
        hit, near = rows["score"] >= -1.0, np.isfinite(rows["separation"])
        near &= rows["snr"] >= self.recipe["transSampleSNR"]
        host = against(rows["separation"][near], hit[near], HOST_EDGES, "separation")
        return stacked([against(rows["snr"], hit, SNR_EDGES, "snr"), host])


class _Purity(JointMetric):
    """Shared by purity of transients and of moving objects."""

    def pick(self, state: Paired, half: int, snr: float, cut: float) -> tuple[Any, Any]:
        """Return which detections above the cut are real."""
        return purity_of(state, half, snr, cut)

    def evidence(self, state: Any) -> Mapping[str, Table]:
        """Return the share that is real (percent) against S/N and against the cut."""
        rows = state.found
        if not len(rows):
            return {}
        strong = rows["snr"] >= self.recipe["transSampleSNR"]
        by_cut = _by_cut(rows["score"][strong], rows["real"][strong], self.recipe["tried"])
        return stacked([against(rows["snr"], rows["real"], SNR_EDGES, "snr"), by_cut])


def _by_cut(score: Any, real: Any, tried: Sequence[float]) -> Table:
    """Return the share that is real (percent) at and above each cut."""
    kept = [(cut, score >= cut) for cut in sorted(tried) if (score >= cut).any()]
    return {
        "value": np.array([100.0 * real[k].mean() for _, k in kept], dtype=np.float64),
        "axis": np.full(len(kept), "cut"),
        "at": np.array([cut for cut, _ in kept], dtype=np.float64),
        "n": np.array([int(k.sum()) for _, k in kept], dtype=np.int64),
    }


class TransientCompleteness(_Completeness):
    """Share of the injected transients of S/N 6 and more that survive the cut, %.

    A transient is found when a detection on the difference image of its detector is its mutual
    nearest neighbour within 1 arcsec; it survives when its reliability is at the cut or above. The
    cut is the one at which the worse of completeness and purity is best, on the half of the
    detector-visits (by hash) that is not used here, so that noise in its choice flatters
    nobody. S/N is the true one: flux over the noise of an unbiased PSF flux. All that lie on the
    detector count, also under masks and on images that were not processed.

    Source: LSE-30 OSS-REQ-0353 transCompletenessMin at transSampleSNR, known second-hand; read
    as a threshold ("at the SNR detection threshold").
    Differs from the peers: analysis_tools leaves those with flagged pixels out of the denominator,
    knows no cut and no purity.
    Not measured when: fewer than three visits or 100 injected sources are in the half that
    judges, or the half that chooses is empty.
    """

    id = "difference.transients.completeness"
    title = "Completeness of transients (transCompletenessMin)"
    requirements = ("OSS-REQ-0353/transCompletenessMin",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": TRANSIENTS}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "injected_dia_source": FOUND,
        "truth_injected_source": (*TRUTH, _HOST),
        "dia_source": FOUND,
        "truth_dia_source": TRUTH,
    }
    pair_found = "injected_dia_source"
    pair_truth = "truth_injected_source"


class TransientPurity(_Purity):
    """Share of the detections of S/N 6 and more that survive the cut and are real, %.

    Of the run without injected sources, at realistic rates. A detection is real when it is the
    mutual nearest neighbour, within 1 arcsec, of anything that changed or moved with a true S/N
    of 2 or more. Cut and half are those of `difference.transients.completeness`.

    Source: LSE-30 OSS-REQ-0353 transPurityMin at transSampleSNR, known second-hand.
    Differs from the peers: none knows the truth; analysis_tools counts detections by
    reliability.
    Not measured when: fewer than three visits or 100 detections above the cut are in the half
    that judges, or the half that chooses is empty.
    """

    id = "difference.transients.purity"
    title = "Purity of transients (transPurityMin)"
    requirements = ("OSS-REQ-0353/transPurityMin",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": TRANSIENTS}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = TransientCompleteness.inputs
    pair_found = "injected_dia_source"
    pair_truth = "truth_injected_source"


class MovingCompleteness(_Completeness):
    """Share of the moving objects of S/N 5 and more on an image that survive the cut, %.

    Each is looked for where it was at that visit; else as `difference.transients.completeness`,
    with a cut of its own, chosen for 99 % and 50 %.

    Source: LSE-30 OSS-REQ-0354 mopsCompletenessMin at S/N 5, known second-hand.
    Differs from the peers: ap_association counts associations with known objects only.
    Not measured when: fewer than three visits or 100 such sources are in the half that judges, or
    the half that chooses is empty.
    """

    id = "difference.moving.completeness"
    title = "Completeness of detections of moving objects (mopsCompletenessMin)"
    requirements = ("OSS-REQ-0354/mopsCompletenessMin",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": MOVING}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        "dia_source": FOUND,
        "truth_dia_source": TRUTH,
    }


class MovingPurity(_Purity):
    """Share of the detections of S/N 5 and more that survive the cut and are real, %.

    Real is what changed or moved, as in `difference.transients.purity`; cut and half are those
    of `difference.moving.completeness`.

    Source: LSE-30 OSS-REQ-0354 mopsPurityMin at S/N 5, known second-hand.
    Differs from the peers: none knows the truth.
    Not measured when: fewer than three visits or 100 detections above the cut are in the half
    that judges, or the half that chooses is empty.
    """

    id = "difference.moving.purity"
    title = "Purity of detections offered to the linking (mopsPurityMin)"
    requirements = ("OSS-REQ-0354/mopsPurityMin",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": MOVING}
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = MovingCompleteness.inputs
