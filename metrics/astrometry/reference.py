"""An external frame: its stars, carried to the time of a measurement, and who is who."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.metrics.astrometry.motion import MAS, YEAR, carried, directions
from skyassay.metrics.contract import Column, Table

Floats = NDArray[np.float64]
PRODUCT = "reference_star"
COLUMNS: tuple[Column, ...] = (
    Column("id"),
    Column("coord_ra", "deg"),
    Column("coord_dec", "deg"),
    Column("epochMjdTai", "d"),
    Column("pmRa", "mas/yr"),
    Column("pmDec", "mas/yr"),
    Column("parallax", "mas", optional=True),
    Column("raErr", "mas", optional=True),
    Column("decErr", "mas", optional=True),
    Column("objectId", optional=True),
)
#: How far a star may move in half a year, parallax in it, and still be found.
HALF_YEAR_ARCSEC = 1.0
_ARCSEC = 30.0
_CANDIDATES = 6
_ARCSEC = np.pi / 180.0 / 3600.0


@dataclass(frozen=True, eq=False)
class Frame:
    """Reference stars that can be carried to any time.

    Attributes
    ----------
    place : tuple of ndarray, each of shape (n, 3)
        Direction, east and north at the catalogue's epoch.
    epoch : ndarray, shape (n,)
        MJD (TAI).
    motion : tuple of ndarray, shape (n,)
        mas/yr.
    parallax : ndarray, shape (n,)
        mas.
    owner : ndarray of int64, shape (n,)
        Declared objectId, 0 where none is declared.
    declared : bool
        Whether the catalogue declares any.
    """

    place: tuple[Floats, Floats, Floats]
    epoch: Floats
    motion: tuple[Floats, Floats]
    parallax: Floats
    owner: NDArray[np.int64]
    declared: bool

    def __len__(self) -> int:
        """Return the number of stars."""
        return len(self.epoch)

    def at(
        self, index: NDArray[np.intp], mjd: Floats, *, seen_from_earth: NDArray[np.bool_]
    ) -> Floats:
        """Return unit vectors of some stars at given times, shape (n, 3)."""
        return carried(
            (self.place[0][index], self.place[1][index], self.place[2][index]),
            (self.motion[0][index], self.motion[1][index]),
            (mjd - self.epoch[index]) / YEAR,
            np.where(seen_from_earth, self.parallax[index], 0.0),
            mjd,
        )


def frame(table: Table, largest_error: float) -> tuple[Frame, int]:
    """Return the usable reference stars, and how many were refused.

    Parameters
    ----------
    table : Table
        The `reference_star` product.
    largest_error : float
        Stars whose own quoted position error exceeds it are refused, mas; so are those
        without a position, an epoch or a proper motion.
    """
    column = {name: np.asarray(table[name], dtype=np.float64) for name in _NUMBERS if name in table}
    needed = ("coord_ra", "coord_dec", "epochMjdTai", "pmRa", "pmDec")
    good = np.all([np.isfinite(column[name]) for name in needed], axis=0)
    for name in ("raErr", "decErr"):
        if name in column:
            good &= column[name] <= largest_error
    # The order of rows must not decide between two stars at one place.
    keep = np.flatnonzero(good)
    keep = keep[np.argsort(np.asarray(table["id"])[keep], kind="stable")]
    parallax = np.nan_to_num(column.get("parallax", np.zeros(len(good)))[keep])
    owner = _owners(table, keep)
    made = Frame(
        directions(column["coord_ra"][keep], column["coord_dec"][keep]),
        column["epochMjdTai"][keep],
        (column["pmRa"][keep], column["pmDec"][keep]),
        parallax,
        owner,
        bool((owner != 0).any()),
    )
    return made, int((~good).sum())


_NUMBERS = ("coord_ra", "coord_dec", "epochMjdTai", "pmRa", "pmDec", "parallax", "raErr", "decErr")


def _owners(table: Table, keep: NDArray[np.intp]) -> NDArray[np.int64]:
    if "objectId" not in table:
        return np.zeros(len(keep), dtype=np.int64)
    given = np.asarray(table["objectId"])[keep]
    if given.dtype.kind == "f":
        given = np.where(np.isfinite(given), given, 0.0)
    return given.astype(np.int64)


def by_declared(frame: Frame, objects: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the reference star that each object is declared to be, or -1."""
    order = np.argsort(frame.owner, kind="stable")
    at = np.searchsorted(frame.owner[order], objects)
    at = np.minimum(at, max(len(order) - 1, 0))
    if not len(order):
        return np.full(len(objects), -1)
    found = order[at]
    return np.where((frame.owner[found] == objects) & (objects != 0), found, -1)


def by_position(
    frame: Frame, direction: Floats, mjd: Floats, seen: NDArray[np.bool_], radius_arcsec: float
) -> NDArray[np.intp]:
    """Return the nearest reference star within a radius at the time of each position, or -1.

    Parameters
    ----------
    frame : Frame
    direction : ndarray, shape (n, 3)
        Measured unit vectors.
    mjd : ndarray, shape (n,)
    seen : ndarray of bool, shape (n,)
        Positions as seen from the Earth at that time, parallax and all.
    radius_arcsec : float

    Notes
    -----
    Candidates are sought among stars carried to the middle of the position's year, a little
    further out, and then carried to its very time. Years are those of the calendar, not of
    the data, so that a match does not depend on what else is in a partition.
    """
    match = np.full(len(direction), -1, dtype=np.intp)
    if not len(frame):
        return match
    year = np.floor(mjd / YEAR)
    for one in np.unique(year):
        rows = np.flatnonzero(year == one)
        match[rows] = _in_year(frame, direction[rows], (one + 0.5) * YEAR, radius_arcsec)
    rows = np.flatnonzero(match >= 0)
    exact = frame.at(match[rows], mjd[rows], seen_from_earth=seen[rows])
    apart = np.linalg.norm(exact - direction[rows], axis=1)
    match[rows[apart > radius_arcsec * _ARCSEC]] = -1
    return match


def _in_year(frame: Frame, direction: Floats, mjd: float, radius_arcsec: float) -> NDArray[np.intp]:
    everyone = np.arange(len(frame))
    when = np.full(len(frame), mjd)
    there = frame.at(everyone, when, seen_from_earth=np.zeros(len(frame), dtype=bool))
    reach = (radius_arcsec + HALF_YEAR_ARCSEC) * _ARCSEC
    _, near = cKDTree(there).query(direction, distance_upper_bound=reach)
    return np.where(near < len(frame), near, -1).astype(np.intp)


def residuals(measured: Floats, predicted: Floats) -> tuple[Floats, Floats]:
    """Return measured less predicted along east (times cos dec) and north, mas.

    Parameters
    ----------
    measured, predicted : ndarray, shape (n, 3)
        Unit vectors, close to each other; a pole and RA 0 are like any other place.
    """
    ra = np.degrees(np.arctan2(predicted[:, 1], predicted[:, 0]))
    dec = np.degrees(np.arctan2(predicted[:, 2], np.hypot(predicted[:, 0], predicted[:, 1])))
    _, east, north = directions(ra, dec)
    off = measured - predicted
    return tuple(np.einsum("ij,ij->i", off, axis) * MAS for axis in (east, north))
