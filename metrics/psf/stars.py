"""Bright stars of single visits: which count, in an order that no partition can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Table, Tables
from skyassay.metrics.errors import MetricError
from skyassay.metrics.unit_family import number

SOURCE, VISITS = "source", "visit_table"
_NAMED = (
    Column("sourceId"),
    Column("visit"),
    Column("band"),
    Column("psfFlux", "nJy"),
    Column("psfFluxErr", "nJy"),
    Column("extendedness"),
)
MOMENTS = tuple(Column(name, "pixel**2") for name in ("ixx", "ixy", "iyy"))
MODEL = tuple(Column(name, "pixel**2") for name in ("ixxPSF", "ixyPSF", "iyyPSF"))
_FLAGS = tuple(
    Column(name, optional=True)
    for name in (
        "pixelFlags_saturated",
        "pixelFlags_cr",
        "pixelFlags_bad",
        "pixelFlags_edge",
        "pixelFlags_interpolatedCenter",
    )
)
#: What every metric of stars reads of `source`.
STAR = (*_NAMED, *MOMENTS, *_FLAGS)
NIGHT = (Column("visit"), Column("expMidptMJD", "d"))
#: Full width at half maximum of a Gaussian of unit standard deviation.
FWHM = 2.0 * float(np.sqrt(2.0 * np.log(2.0)))


@dataclass(frozen=True, eq=False)
class Images:
    """Selected stars, image after image.

    Attributes
    ----------
    columns : mapping
        Columns of `source` and `visit_table`, one entry per star, sorted by image, sourceId.
    start : ndarray of int, shape (n_images + 1,)
        Image k has the stars ``start[k]:start[k + 1]``.
    lost : ndarray of str, shape (n_lost,)
        Band of every image of which the cuts left nothing.
    blank : ndarray of str, shape (n_blank,)
        Band of every image with stars enough, of which too few have moments.
    """

    columns: Table
    start: NDArray[np.intp]
    lost: NDArray[Any]
    blank: NDArray[Any]

    @property
    def count(self) -> NDArray[np.int64]:
        """Stars in each image."""
        return np.diff(self.start).astype(np.int64)

    def first(self, name: str) -> NDArray[Any]:
        """Return a column's value at the first star of every image."""
        return self.columns[name][self.start[:-1]]

    def of(self, keep: NDArray[np.bool_]) -> Images:
        """Return some of the images."""
        mine = np.repeat(keep, self.count)
        start = np.r_[0, np.cumsum(self.count[keep])].astype(np.intp)
        columns = {n: np.asarray(c)[mine] for n, c in self.columns.items()}
        return Images(columns, start, self.lost, self.blank)

    def reduced(self, values: NDArray[np.float64], what: Any = np.median) -> NDArray[np.float64]:
        """Return a statistic of every image's values."""
        ends = zip(self.start[:-1], self.start[1:], strict=True)
        return np.array([what(values[a:b]) for a, b in ends], dtype=np.float64)

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of every image's values."""
        return np.add.reduceat(values, self.start[:-1]) / self.count


def images(
    part: Tables,
    cuts: Mapping[str, Any],
    by: tuple[str, ...],
    needed: tuple[str, ...],
    enough: int = 1,
) -> Images:
    """Return the stars of a partition that the cuts leave, grouped by image.

    Parameters
    ----------
    part : Tables
        With `source` and `visit_table`.
    cuts : mapping
        ``stars`` of a recipe.
    by : tuple of str
        Columns that name an image.
    needed : tuple of str
        Columns of `source` whose numbers must be finite.
    enough : int
        Stars that an image needs.
    """
    table = _with_visits(part[SOURCE], part[VISITS])
    bright = _bright(table, cuts) & np.isfinite(table["mjd"])
    good = bright & _shaped(table)
    for name in needed:
        good &= np.isfinite(number(table, name))
    chosen = {name: np.asarray(column)[good] for name, column in table.items()}
    order = np.lexsort((chosen["sourceId"], *(chosen[n] for n in reversed(by))))
    chosen = {name: column[order] for name, column in chosen.items()}
    code = _codes(table, by)
    size = int(code.max(initial=-1)) + 1
    left, there = (np.bincount(code[rows], minlength=size) for rows in (good, bright))
    blank = _bands(table, code, (left < enough) & (there >= enough))
    return Images(chosen, _starts(chosen, by), _bands(table, code, left == 0), blank)


def distortion(
    xx: NDArray[np.float64], xy: NDArray[np.float64], yy: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return e1, e2 of second moments: the distortion of LPM-17, not the shear (half of it)."""
    trace = xx + yy
    return (xx - yy) / trace, 2.0 * xy / trace


def star_distortion(table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distortion of the stars themselves."""
    return distortion(number(table, "ixx"), number(table, "ixy"), number(table, "iyy"))


def model_distortion(table: Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distortion of the PSF model at the stars."""
    return distortion(number(table, "ixxPSF"), number(table, "ixyPSF"), number(table, "iyyPSF"))


def seeing(table: Table, pixel_scale: float) -> NDArray[np.float64]:
    """Return the FWHM of the Gaussian with each star's determinant radius, arcsec."""
    xx, xy, yy = (number(table, n) for n in ("ixx", "ixy", "iyy"))
    return np.asarray(FWHM * pixel_scale * (xx * yy - xy**2) ** 0.25)


def _with_visits(source: Table, visits: Table) -> Table:
    """Return the rows of `source` with the columns of their visit; NaN where it is unknown."""
    names, where = np.unique(np.asarray(visits["visit"]), return_index=True)
    if len(names) < len(visits["visit"]):
        raise MetricError(
            "A visit has two rows in visit_table.",
            code="duplicate_visit",
            hint="Each visit must be there once; look for files that were read twice.",
        )
    mine = np.asarray(source["visit"])
    at = np.searchsorted(names, mine)
    known = at < len(names)
    known[known] = names[at[known]] == mine[known]
    joined = dict(source)
    for name, called in (("expMidptMJD", "mjd"), ("zenithDistance", "zenithDistance")):
        if name in visits:
            values = np.full(len(mine), np.nan)
            values[known] = number(visits, name)[where[at[known]]]
            joined[called] = values
    return joined


def _shaped(table: Table) -> NDArray[np.bool_]:
    """Return which rows have moments that make an ellipse."""
    xx, xy, yy = (number(table, n) for n in ("ixx", "ixy", "iyy"))
    with np.errstate(invalid="ignore", over="ignore"):
        positive = (xx > 0) & (yy > 0) & (xx * yy - xy**2 > 0)
        return np.asarray(positive & np.isfinite(xx * yy))


def _bright(table: Table, cuts: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return which rows are clean, bright point sources."""
    flux, error = number(table, "psfFlux"), number(table, "psfFluxErr")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        good = (error > 0) & (flux / error >= cuts["snr_min"]) & np.isfinite(flux / error)
        good &= number(table, "extendedness") < cuts["extendedness_below"]
    for name in cuts["unclean"]:
        if name in table:
            good &= ~np.asarray(table[name], dtype=bool)
    if cuts.get("reserved"):
        good &= np.asarray(table["calib_psf_reserved"], dtype=bool)
        if "calib_psf_used" in table:
            good &= ~np.asarray(table["calib_psf_used"], dtype=bool)
    return np.asarray(good)


def _codes(table: Table, by: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the number of each row's image, from 0 without gaps."""
    code = np.zeros(len(table[by[0]]), dtype=np.int64)
    for name in by:
        _, index = np.unique(np.asarray(table[name]), return_inverse=True)
        code = code * (int(index.max(initial=0)) + 1) + index
    return np.asarray(np.unique(code, return_inverse=True)[1], dtype=np.int64)


def _bands(table: Table, code: NDArray[np.int64], these: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the band of some images."""
    _, first = np.unique(code, return_index=True)
    return np.asarray(table["band"])[first[these]].astype(str)


def _starts(table: Table, by: tuple[str, ...]) -> NDArray[np.intp]:
    """Return where each image begins, and where the last ends."""
    n = len(table[by[0]])
    if not n:
        return np.zeros(1, dtype=np.intp)
    new = np.zeros(n, dtype=bool)
    new[0] = True
    for name in by:
        new[1:] |= table[name][1:] != table[name][:-1]
    return np.append(np.flatnonzero(new), n)
