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
    """

    columns: Table
    start: NDArray[np.intp]
    lost: NDArray[Any]

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
        return Images({n: np.asarray(c)[mine] for n, c in self.columns.items()}, start, self.lost)

    def reduced(self, values: NDArray[np.float64], what: Any = np.median) -> NDArray[np.float64]:
        """Return a statistic of every image's values."""
        ends = zip(self.start[:-1], self.start[1:], strict=True)
        return np.array([what(values[a:b]) for a, b in ends], dtype=np.float64)

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean of every image's values."""
        return np.add.reduceat(values, self.start[:-1]) / self.count


def images(
    part: Tables, cuts: Mapping[str, Any], by: tuple[str, ...], needed: tuple[str, ...]
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
    """
    table = _with_visits(part[SOURCE], part[VISITS])
    good = _clean(table, cuts) & np.isfinite(table["mjd"])
    for name in needed:
        good &= np.isfinite(number(table, name))
    chosen = {name: np.asarray(column)[good] for name, column in table.items()}
    order = np.lexsort((chosen["sourceId"], *(chosen[n] for n in reversed(by))))
    chosen = {name: column[order] for name, column in chosen.items()}
    return Images(chosen, _starts(chosen, by), _lost(table, good, by))


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


def _clean(table: Table, cuts: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return which rows are clean, bright point sources with possible moments."""
    flux, error = number(table, "psfFlux"), number(table, "psfFluxErr")
    xx, xy, yy = (number(table, n) for n in ("ixx", "ixy", "iyy"))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        good = (error > 0) & (flux / error >= cuts["snr_min"]) & np.isfinite(flux / error)
        good &= number(table, "extendedness") < cuts["extendedness_below"]
        good &= (xx > 0) & (yy > 0) & (xx * yy - xy**2 > 0) & np.isfinite(xx * yy)
    for name in cuts["unclean"]:
        if name in table:
            good &= ~np.asarray(table[name], dtype=bool)
    if cuts.get("reserved"):
        good &= np.asarray(table["calib_psf_reserved"], dtype=bool)
        if "calib_psf_used" in table:
            good &= ~np.asarray(table["calib_psf_used"], dtype=bool)
    return np.asarray(good)


def _lost(table: Table, good: NDArray[np.bool_], by: tuple[str, ...]) -> NDArray[Any]:
    """Return the band of every image without a good star."""
    code = np.zeros(len(good), dtype=np.int64)
    for name in by:
        _, index = np.unique(np.asarray(table[name]), return_inverse=True)
        code = code * (int(index.max(initial=0)) + 1) + index
    names, first = np.unique(code, return_index=True)
    return np.asarray(table["band"])[first[~np.isin(names, code[good])]].astype(str)


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
