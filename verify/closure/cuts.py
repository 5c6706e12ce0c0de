"""Purity and completeness of detections on differences against the cut on the reliability."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Check, Wanted
from skyassay.verify.closure.injected import RADIUS, Injected, as_source
from skyassay.verify.closure.matching import Table, match
from skyassay.verify.closure.stars import number

Floats = NDArray[np.float64]
Curve = dict[str, Floats]
#: Detections and sources of this S/N (transSampleSNR).
SNR = 6.0
#: True changes below this S/N are too faint for a detection to be of them.
LEAST = 2.0
TRIED = tuple(round(0.02 * k, 2) for k in range(51))
#: Cuts that are printed.
SHOWN = (0.0, 0.5)
TABLES = ("dia_source", "truth_dia_source")
#: Detections without which purity is nothing.
MIN_DETECTIONS = 20


def cuts(tables: Mapping[str, Table], sources: Injected | None) -> Curve | None:
    """Return purity and completeness, %, at every cut; None without detections and truth.

    Purity is of the night's own detections: real is what lies on a true change. Completeness
    is that of injected sources, NaN without them.
    """
    if not set(TABLES) <= set(tables):
        return None
    found, truth = (tables[name] for name in TABLES)
    strong = np.abs(number(truth, "snr")) >= LEAST
    there = {n: np.asarray(c)[strong] for n, c in truth.items()}
    real = np.zeros(len(found["visit"]), dtype=bool)
    real[match(as_source(found), as_source(there), RADIUS).source] = True
    use = np.abs(number(found, "snr")) >= SNR
    score, real = np.nan_to_num(number(found, "reliability"), nan=-1.0)[use], real[use]
    above = [score >= cut for cut in TRIED]
    bright = np.empty(0) if sources is None else sources.score[sources.snr >= SNR]
    scores = np.nan_to_num(bright, nan=-1.0)  # what is not found is below every cut
    return {
        "cut": np.array(TRIED),
        "purity": np.array([_share(real[keep]) for keep in above]),
        "n_purity": np.array([float(keep.sum()) for keep in above]),
        "completeness": np.array([_share(scores >= cut) for cut in TRIED]),
        "n_completeness": np.full(len(TRIED), float(len(scores))),
    }


def _share(hit: NDArray[np.bool_]) -> float:
    return 100.0 * float(hit.mean()) if len(hit) else float("nan")


def cut_checks(curve: Curve | None, tables: Mapping[str, Table], band: str) -> list[Check]:
    """Return, for information, purity and completeness at some cuts."""
    wanted = {
        (kind, cut): Wanted(f"difference_{kind}_at_{cut:g}", "%")
        for cut in SHOWN
        for kind in ("purity", "completeness")
    }
    if curve is None:
        lost = "no " + " and ".join(name for name in TABLES if name not in tables)
        return [w.missing(band, lost, 0) for w in wanted.values()]
    found = []
    for (kind, cut), one in wanted.items():
        row = int(np.flatnonzero(curve["cut"] == cut)[0])
        share, n = curve[kind][row] / 100.0, int(curve[f"n_{kind}"][row])
        if n < MIN_DETECTIONS:
            found.append(one.missing(band, f"too_few_for_{kind}", n))
        else:
            error = float(np.sqrt(share * (1.0 - share) / n))
            found.append(one.judged(band, 100.0 * share, 100.0 * error, n))
    return found
