"""Measured positions beside the external frame: the fold of every absolute metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.astrometry.motion import directions
from skyassay.metrics.astrometry.reference import Frame, by_declared, by_position, residuals
from skyassay.metrics.contract import Column, Table
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.selection import COLUMNS, FLAGS, NJY_ZERO_POINT

Floats = NDArray[np.float64]
PRODUCT = "matched_source"
#: Without an epoch of their own, positions are those of the exposure's midpoint.
EPOCHS: tuple[Column, ...] = (
    Column("expMidptMJD", "d", optional=True),
    Column("epochMjdTai", "d", optional=True),
)
SOURCE_COLUMNS: tuple[Column, ...] = (*COLUMNS, *EPOCHS)


@dataclass(frozen=True, eq=False)
class Compared:
    """Rows that have a reference star.

    Attributes
    ----------
    row : ndarray of int, shape (n,)
        Row of the table.
    east, north : ndarray, shape (n,)
        Measured less reference, mas.
    unmatched, undated : int
        Rows without a reference star, and without a time.
    """

    row: NDArray[np.intp]
    east: Floats
    north: Floats
    unmatched: int = 0
    undated: int = 0


def good_rows(table: Table, cuts: Mapping[str, Any]) -> tuple[NDArray[np.intp], dict[str, int]]:
    """Return the rows a recipe takes, and how many it refused by reason.

    Parameters
    ----------
    table : Table
        The `matched_source` product, or a part of it.
    cuts : mapping
        ``snr_min``, ``extendedness_max``.

    Notes
    -----
    Cuts are on single rows: at such a signal to noise ratio a row is not chosen by its luck.
    """
    number = len(table["objectId"])
    flux, error, extended, ra, dec = (
        np.asarray(table[c], dtype=np.float64)
        for c in ("psfFlux", "psfFluxErr", "extendedness", "coord_ra", "coord_dec")
    )
    flagged = np.zeros(number, dtype=bool)
    for name in FLAGS:
        if name in table:
            flagged |= np.asarray(table[name]).astype(bool)
    if "detect_isPrimary" in table:
        flagged |= ~np.asarray(table["detect_isPrimary"]).astype(bool)
    finite = np.isfinite(flux) & np.isfinite(error) & np.isfinite(ra) & np.isfinite(dec)
    usable = finite & (flux > 0) & (error > 0)
    bright = usable & (flux >= cuts["snr_min"] * np.where(usable, error, np.inf))
    left = np.ones(number, dtype=bool)
    refused = {}
    for reason, fits in (
        ("flagged", ~flagged),
        ("unusable", usable),
        ("extended", extended < cuts["extendedness_max"]),
        ("signal_to_noise", bright),
    ):
        refused[f"rejected_{reason}"] = int((left & ~fits).sum())
        left &= fits
    return np.flatnonzero(left), refused


def magnitudes(table: Table, rows: NDArray[np.intp]) -> Floats:
    """Return AB magnitudes of good rows."""
    flux = np.asarray(table["psfFlux"], dtype=np.float64)[rows]
    return np.asarray(NJY_ZERO_POINT - 2.5 * np.log10(flux))


def dates(table: Table) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the time of each position, MJD, and whether it is as seen from the Earth then.

    Raises
    ------
    NotMeasured
        ``no_epoch`` when the table says neither when a position holds nor when it was taken.
    """
    number = len(table["objectId"])
    own = table.get("epochMjdTai")
    taken = table.get("expMidptMJD")
    if own is None and taken is None:
        raise NotMeasured(
            "no_epoch",
            "matched_source needs expMidptMJD, or epochMjdTai for positions brought to an epoch.",
        )
    none = np.full(number, np.nan)
    brought = none if own is None else np.asarray(own, dtype=np.float64)
    seen = none if taken is None else np.asarray(taken, dtype=np.float64)
    as_seen = ~np.isfinite(brought)
    return np.where(as_seen, seen, brought), as_seen


def compare(
    table: Table, rows: NDArray[np.intp], frame: Frame, radius_arcsec: float, *, by_object: bool
) -> Compared:
    """Compare positions with the external frame.

    Parameters
    ----------
    table : Table
        The `matched_source` product, or a part of it.
    rows : ndarray of int, shape (n,)
        Rows to compare.
    frame : Frame
    radius_arcsec : float
        Used where the frame declares no object ids.
    by_object : bool
        Match whole objects by their mean place and date (all their rows are here); else
        every row by itself.

    Raises
    ------
    NotMeasured
        ``no_epoch``.
    """
    mjd, as_seen = dates(table)
    undated = int((~np.isfinite(mjd[rows])).sum())
    rows = rows[np.isfinite(mjd[rows])]
    mjd, as_seen = mjd[rows], as_seen[rows]
    ra, dec = (np.asarray(table[c], dtype=np.float64)[rows] for c in ("coord_ra", "coord_dec"))
    measured = directions(ra, dec)[0]
    star = np.asarray(table["objectId"])[rows].astype(np.int64)
    if frame.declared:
        match = by_declared(frame, star)
    elif by_object:
        match = _by_mean(frame, star, measured, mjd, radius_arcsec)
    else:
        match = by_position(frame, measured, mjd, as_seen, radius_arcsec)
    found = match >= 0
    index = match[found]
    predicted = frame.at(index, mjd[found], seen_from_earth=as_seen[found])
    east, north = residuals(measured[found], predicted)
    return Compared(rows[found], east, north, int((~found).sum()), undated)


def _by_mean(
    frame: Frame, star: NDArray[np.int64], measured: Floats, mjd: Floats, radius: float
) -> NDArray[np.intp]:
    """Return the reference star of each row, the same for all rows of an object."""
    objects, index = np.unique(star, return_inverse=True)
    # Rows come in any order; a sum must not depend on it.
    order = np.lexsort((*measured.T, mjd, index))
    starts = np.searchsorted(index[order], np.arange(len(objects)))
    if not len(objects):
        return np.empty(0, dtype=np.intp)
    count = np.bincount(index)
    mean = np.add.reduceat(measured[order], starts, axis=0)
    mean = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    when = np.add.reduceat(mjd[order], starts) / count
    # A year's parallax averages out; what is left of it is far below the radius.
    match = by_position(frame, mean, when, np.zeros(len(objects), dtype=bool), radius)
    return match[index]
