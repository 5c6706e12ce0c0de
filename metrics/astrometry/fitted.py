"""Fitted motions beside the true ones: stars of a magnitude range, and their errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry.motion import YEAR
from skyassay.metrics.contract import Table

#: Error in the state -> fitted, quoted error, true.
QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "parallax": ("parallax", "parallaxErr", "parallax"),
    "pm_ra": ("raPM", "raPMErr", "pmRa"),
    "pm_dec": ("decPM", "decPMErr", "pmDec"),
}
#: What a usable row has; the quoted errors are not among it.
NEEDED = ("ra", "dec", "years", *QUANTITIES)


def joined(fitted: Table, truth: Table) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return rows of the fit and of the truth that are one star, and fits without a truth."""
    mine = np.asarray(fitted["objectId"]).astype(np.int64)
    theirs = np.asarray(truth["objectId"]).astype(np.int64)
    _, row, true_row = np.intersect1d(mine, theirs, assume_unique=True, return_indices=True)
    return row, true_row, len(mine) - len(row)


def in_range(
    truth: Table, row: NDArray[np.intp], mag: Mapping[str, Sequence[float | None]]
) -> NDArray[np.bool_]:
    """Return which stars have true magnitudes in every range, [low, high), None for open."""
    chosen = np.ones(len(row), dtype=bool)
    for band, (low, high) in mag.items():
        m = np.asarray(truth[f"{band}_mag"], dtype=np.float64)[row]
        chosen &= m >= (-np.inf if low is None else low)
        chosen &= m < (np.inf if high is None else high)
    return chosen


def errors(
    fitted: Table,
    truth: Table,
    row: NDArray[np.intp],
    true_row: NDArray[np.intp],
    bands: Sequence[str],
) -> dict[str, NDArray[Any]]:
    """Return the columns of the state: fitted less true, quoted errors, place, span, magnitude."""

    def mine(name: str) -> NDArray[np.float64]:
        if name not in fitted:
            return np.full(len(row), np.nan)
        return _finite(fitted[name], row)

    def real(name: str) -> NDArray[np.float64]:
        return _finite(truth[name], true_row)

    found: dict[str, NDArray[Any]] = {
        "objectId": np.asarray(fitted["objectId"])[row].astype(np.int64),
        "ra": mine("ra"),
        "dec": mine("dec"),
        "years": (mine("lastEpochMjdTai") - mine("firstEpochMjdTai")) / YEAR,
        "mag": real(f"{bands[0]}_mag"),
    }
    for name, (value, quoted, true) in QUANTITIES.items():
        found[name] = mine(value) - real(true)
        found[f"{name}_quoted"] = mine(quoted)
    return found


def _finite(column: NDArray[Any], row: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return numbers of some rows; what is infinite is not known."""
    values = np.asarray(column, dtype=np.float64)[row]
    return np.where(np.isfinite(values), values, np.nan)
