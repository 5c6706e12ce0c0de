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
    mjd : ndarray, shape (n,)
    east, north : ndarray, shape (n,)
        Measured less reference, mas.
    """

    row: NDArray[np.intp]
    mjd: Floats
    east: Floats
    north: Floats


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


def dates(table: Table, rows: NDArray[np.intp]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the time of each position, MJD, and whether it is as seen from the Earth then.

    Raises
    ------
    NotMeasured
        ``no_epoch`` when the table says neither when a position holds nor when it was taken.
    """
    own = table.get("epochMjdTai")
    taken = table.get("expMidptMJD")
    if own is None and taken is None:
        raise NotMeasured(
            "no_epoch",
            "matched_source needs expMidptMJD, or epochMjdTai for positions brought to an epoch.",
        )
    none = np.full(len(rows), np.nan)
    brought = none if own is None else np.asarray(own, dtype=np.float64)[rows]
    seen = none if taken is None else np.asarray(taken, dtype=np.float64)[rows]
    as_seen = ~np.isfinite(brought)
    return np.where(as_seen, seen, brought), as_seen


def compare(table: Table, rows: NDArray[np.intp], frame: Frame, radius_arcsec: float) -> Compared:
    """Compare positions with the external frame, row by row.

    Parameters
    ----------
    table : Table
        The `matched_source` product, or a part of it.
    rows : ndarray of int, shape (n,)
        Rows to compare.
    frame : Frame
    radius_arcsec : float
        Used where the frame declares no object ids.

    Raises
    ------
    NotMeasured
        ``no_epoch``.
    """
    mjd, as_seen = dates(table, rows)
    dated = np.isfinite(mjd)
    rows, mjd, as_seen = rows[dated], mjd[dated], as_seen[dated]
    ra, dec = (np.asarray(table[c], dtype=np.float64)[rows] for c in ("coord_ra", "coord_dec"))
    measured = directions(ra, dec)[0]
    if frame.declared:
        match = by_declared(frame, np.asarray(table["objectId"])[rows].astype(np.int64))
    else:
        match = by_position(frame, measured, mjd, as_seen, radius_arcsec)
    found = match >= 0
    predicted = frame.at(match[found], mjd[found], seen_from_earth=as_seen[found])
    east, north = residuals(measured[found], predicted)
    return Compared(rows[found], mjd[found], east, north)


def nothing(counts: Mapping[str, int]) -> NotMeasured:
    """Return why no position was compared, from the counts of a state."""
    if counts.get("cannot_no_epoch"):
        return NotMeasured(
            "no_epoch", "matched_source needs expMidptMJD, or epochMjdTai for brought positions."
        )
    return NotMeasured(
        "no_reference_match",
        "No good measurement has a star of reference_star; see the numbers rejected.",
    )
