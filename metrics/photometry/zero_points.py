"""Zero-point errors of stars against truth, added up in cells of the sky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Column, Table, Tables
from skyassay.metrics.healpix import cell_count, cells_of, centres_of, directions_of, parents_of
from skyassay.metrics.plugin import NotMeasured
from skyassay.metrics.selection import NJY_ZERO_POINT
from skyassay.metrics.states.keyed_sums import KeyedSums, from_values

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
OBJECT, TRUTH = "object", "truth_star"
BANDS = ("u", "g", "r", "i", "z", "y")
FLAGS = ("psfFlux_flag", "pixelFlags_saturatedCenter")
#: Sums are kept in these steps, mmag; values beyond the largest are no zero-point errors.
STEP, LARGEST = 1e-4, 1e5
#: Share of cells whose stars may agree exactly: more are copies of the truth.
_MOST_COPIES = 0.05
#: Less scatter than this is rounding of single-precision fluxes, mmag.
_SMALLEST = 1e-2
#: Stars so many mag below the bright cut are far above the noise: they must have a flux. When
#: more than this share has none, what is missing may be what is wrong.
_SURE_MAG, _MOST_LOST = 3.0, 0.05

INPUTS: Mapping[str, tuple[Column, ...]] = {
    OBJECT: (
        Column("objectId"),
        Column("coord_ra", "deg"),
        Column("coord_dec", "deg"),
        *(
            Column(f"{b}_{name}", "nJy", optional=True)
            for b in BANDS
            for name in ("psfFlux", "psfFluxErr")
        ),
        *(Column(f"{b}_{name}", optional=True) for b in BANDS for name in FLAGS),
    ),
    TRUTH: (
        Column("objectId"),
        *(Column(f"{b}_mag", "mag", optional=True) for b in BANDS),
        Column("isVariable", optional=True),
    ),
}


@dataclass(frozen=True)
class Term:
    """What is added up: the zero point of a band, or of a colour (`band` minus `other`)."""

    name: str
    band: str
    other: str | None = None


#: Every band by itself.
ZERO_POINTS = tuple(Term(b, b) for b in BANDS)


def fold_cells(part: Tables, cuts: Mapping[str, Any], terms: Sequence[Term]) -> KeyedSums:
    """Return measured minus true magnitudes (mmag) added up per term and cell.

    Parameters
    ----------
    part : mapping
        Products `object` and `truth_star` as in `INPUTS`.
    cuts : mapping
        ``order`` of the cells, ``mag`` (band -> [bright, faint), true magnitude), ``snr_min``,
        and optionally ``g_i`` ([low, high) of the true colour) and ``standards_only``.
    terms : sequence of Term

    Returns
    -------
    KeyedSums
        Keys are ``index of the term * cells of the sky + cell``; `counts` has ``rows_<term>``
        (stars with truth), ``used_<term>``, ``due_<term>`` (stars that must have a flux) and
        ``lost_<term>`` (those that have none).
    """
    table, truth, usable = _matched(part[OBJECT], part[TRUTH], cuts)
    place = _place(table, usable, int(cuts["order"]))
    # In the order of their cells, the rows of every term are added up without another sort.
    ordered = np.flatnonzero(usable)
    ordered = ordered[np.argsort(place[ordered], kind="stable")]
    errors: dict[str, tuple[Floats, Bools]] = {}
    keys, values, counts = [], [], {"rows": len(usable)}
    for index, term in enumerate(terms):
        bands = (term.band,) if term.other is None else (term.band, term.other)
        if not all(_has(table, truth, b) for b in bands):
            continue
        for b in bands:
            if b not in errors:
                errors[b] = _errors(table, truth, b, cuts)
        delta, good = errors[term.band]
        if term.other is not None:
            delta, good = delta - errors[term.other][0], good & errors[term.other][1]
        rows = ordered[good[ordered]]
        keys.append(index * cell_count(int(cuts["order"])) + place[rows])
        values.append(delta[rows])
        counts[f"rows_{term.name}"] = len(usable)
        counts[f"used_{term.name}"] = len(rows)
        due, lost = _due(table, truth, bands, cuts)
        counts[f"due_{term.name}"] = int((usable & due).sum())
        counts[f"lost_{term.name}"] = int((usable & lost).sum())
    if not keys:
        return KeyedSums(STEP, counts=counts)
    return from_values(np.concatenate(keys), np.concatenate(values), STEP, counts)


@dataclass(frozen=True)
class Cells:
    """Zero points of the cells that count.

    Attributes
    ----------
    cell, region : ndarray of int, shape (n,)
    direction : ndarray, shape (3, n)
        Unit vector to the centre of the cell's region.
    mean, noise : ndarray, shape (n,)
        Mean error in mmag, and the variance of that mean from the scatter of its stars.
    stars : ndarray of int, shape (n,)
    refused : int
        Cells with too few stars.
    """

    cell: NDArray[np.int64]
    region: NDArray[np.int64]
    direction: Floats
    mean: Floats
    noise: Floats
    stars: NDArray[np.int64]
    refused: int

    def evidence(self, order: int, rows: int = 4000) -> Table:
        """Return one row per cell, at most `rows`, spread evenly over the sky."""
        pick = np.unique(np.linspace(0, len(self.cell) - 1, min(rows, len(self.cell))).astype(int))
        ra, dec = centres_of(self.cell[pick], order)
        return {
            "value": self.mean[pick] - self.mean.mean(),
            "ra": ra,
            "dec": dec,
            "n_stars": self.stars[pick],
            "noise": np.sqrt(self.noise[pick]),
        }


def cells_of_term(
    state: KeyedSums, index: int, cuts: Mapping[str, Any], *, most_noise: float
) -> Cells:
    """Return the cells of one term that have enough stars.

    The cut on the signal to noise of a star keeps the quoted noise of such a cell below a third
    of the limit. A cell whose stars scatter more than they say is not left out: what makes them
    scatter may be the error that is looked for. Many such cells are no measurement.

    Parameters
    ----------
    state : KeyedSums
    index : int
        Of the term.
    cuts : mapping
        As of `fold_cells`, with ``region_order``, ``min_stars``, ``min_cells``, ``min_regions``
        and ``most_noisy_share``.
    most_noise : float
        Standard error that a cell may have before it counts as noisy, mmag.

    Raises
    ------
    NotMeasured
        ``no_standards``, ``no_stars``, ``too_few_cells``, ``too_few_regions``, ``no_scatter``,
        ``noisy_cells``.
    """
    order, size = int(cuts["order"]), cell_count(int(cuts["order"]))
    mine = state.key // size == index
    if not mine.any() and cuts.get("standards_only"):
        raise NotMeasured(
            "no_standards", "No star that truth_star flags as isStandard passed the cuts."
        )
    if not mine.any():
        raise NotMeasured("no_stars", "No star with truth passed the cuts.")
    term = _only(state, mine)
    stars, variance = term.count, term.variance
    noise = variance / stars
    good = stars >= cuts["min_stars"]
    cell = (term.key % size)[good]
    region = parents_of(cell, order, int(cuts["region_order"]))
    towards = directions_of(region, int(cuts["region_order"]))
    refused = int((~good).sum())
    found = Cells(cell, region, towards, term.mean[good], noise[good], stars[good], refused)
    _enough(found, cuts)
    copies = float((variance[good] <= _SMALLEST**2).mean()) > _MOST_COPIES
    if copies or np.ptp(found.mean) <= _SMALLEST:
        raise NotMeasured(
            "no_scatter", "Stars agree exactly with the truth: they are copies, not measurements."
        )
    _quiet(found, most_noise, float(cuts["most_noisy_share"]))
    return found


def refuse_holes(state: KeyedSums, term: Term) -> None:
    """Refuse a term whose bright stars often have no flux: they may be just the wrong ones.

    Raises
    ------
    NotMeasured
        ``fluxes_missing``.
    """
    due, lost = (state.counts.get(f"{what}_{term.name}", 0) for what in ("due", "lost"))
    # Where nothing at all was used, another reason says so.
    if lost > _MOST_LOST * due and state.counts.get(f"used_{term.name}"):
        raise NotMeasured(
            "fluxes_missing",
            f"{lost} of {due} bright stars of the truth that are in the catalog have no flux in "
            f"{term.name} and no flag that says why.",
        )


def _quiet(found: Cells, most_noise: float, share: float) -> None:
    """Refuse cells of which more than a share are noisier than they may be."""
    noisy = float((found.noise > most_noise**2).mean())
    if noisy > share:
        raise NotMeasured(
            "noisy_cells",
            f"In {noisy:.0%} of the cells the stars scatter so much that the cell's mean is known "
            f"to no better than {most_noise:.1f} mmag: far more than their quoted errors say.",
        )


def _only(state: KeyedSums, mine: Bools) -> KeyedSums:
    """Return the sums of some keys."""
    return KeyedSums(
        state.step,
        state.key[mine],
        state.count[mine],
        state.total[mine],
        state.square_high[mine],
        state.square_low[mine],
    )


def _enough(found: Cells, cuts: Mapping[str, Any]) -> None:
    if len(found.cell) < cuts["min_cells"]:
        raise NotMeasured(
            "too_few_cells",
            f"{len(found.cell)} cells of order {cuts['order']} have {cuts['min_stars']} stars, "
            f"{found.refused} have fewer; the recipe needs {cuts['min_cells']}.",
        )
    regions = len(np.unique(found.region))
    if regions < cuts["min_regions"]:
        raise NotMeasured(
            "too_few_regions",
            f"The cells lie in {regions} regions of order {cuts['region_order']}, which share "
            f"errors; the recipe needs {cuts['min_regions']}. Measure more of the sky.",
        )


def _matched(table: Table, truth: Table, cuts: Mapping[str, Any]) -> tuple[Table, Table, Bools]:
    """Return the rows of both tables that are one star, and which of them are usable."""
    ids, true_ids = (np.asarray(t["objectId"]).astype(np.int64) for t in (table, truth))
    _, left, right = np.intersect1d(ids, true_ids, return_indices=True)
    a = {n: np.asarray(c)[left] for n, c in table.items()}
    b = {n: np.asarray(c)[right] for n, c in truth.items()}
    ra, dec = (np.asarray(a[n], dtype=np.float64) for n in ("coord_ra", "coord_dec"))
    usable = np.isfinite(ra) & (np.abs(dec) <= 90.0)
    if "isVariable" in b:
        usable &= ~b["isVariable"].astype(bool)
    if cuts.get("standards_only"):
        usable &= b["isStandard"].astype(bool) if "isStandard" in b else False
    if "g_i" in cuts:
        usable &= _between(b, cuts["g_i"])
    return a, b, usable


def _between(truth: Table, limits: Sequence[float]) -> Bools:
    """Return which stars have a true g - i within limits: none where it is not known."""
    if "g_mag" not in truth or "i_mag" not in truth:
        return np.zeros(len(truth["objectId"]), dtype=bool)
    g, i = (np.asarray(truth[n], np.float64) for n in ("g_mag", "i_mag"))
    known = np.isfinite(g) & np.isfinite(i)
    colour = np.where(known, g, np.nan) - np.where(known, i, np.nan)
    return np.asarray((colour >= limits[0]) & (colour < limits[1]))


def _place(table: Table, usable: Bools, order: int) -> NDArray[np.int64]:
    cell = np.zeros(len(usable), dtype=np.int64)
    ra, dec = (np.asarray(table[n], np.float64)[usable] for n in ("coord_ra", "coord_dec"))
    cell[usable] = cells_of(ra, dec, order)
    return cell


def _has(table: Table, truth: Table, band: str) -> bool:
    return f"{band}_psfFlux" in table and f"{band}_psfFluxErr" in table and f"{band}_mag" in truth


def _errors(table: Table, truth: Table, band: str, cuts: Mapping[str, Any]) -> tuple[Floats, Bools]:
    """Return measured minus true magnitude in mmag, and which stars pass the cuts."""
    flux, error, true = (
        np.asarray(column, dtype=np.float64)
        for column in (
            table[f"{band}_psfFlux"], table[f"{band}_psfFluxErr"], truth[f"{band}_mag"],
        )
    )  # fmt: skip
    bright, faint = cuts["mag"][band]
    with np.errstate(invalid="ignore", divide="ignore"):
        good = np.isfinite(flux) & np.isfinite(error) & (flux > 0) & (error > 0)
        good &= (flux >= cuts["snr_min"] * error) & (true >= bright) & (true < faint)
        measured = NJY_ZERO_POINT - 2.5 * np.log10(np.where(good, flux, 1.0))
        # What is not used is zero: differences of two bands must not meet infinities.
        delta = 1e3 * (measured - np.where(good, true, measured))
    for name in FLAGS:
        if f"{band}_{name}" in table:
            good &= ~np.asarray(table[f"{band}_{name}"]).astype(bool)
    return delta, good & (np.abs(delta) <= LARGEST)


def _due(
    table: Table, truth: Table, bands: Sequence[str], cuts: Mapping[str, Any]
) -> tuple[Bools, Bools]:
    """Return which stars must have a flux in all bands, and which of them have not."""
    due, has = np.ones(len(truth["objectId"]), bool), np.ones(len(truth["objectId"]), bool)
    for band in bands:
        flux, error, true = (
            np.asarray(column, dtype=np.float64)
            for column in (
                table[f"{band}_psfFlux"], table[f"{band}_psfFluxErr"], truth[f"{band}_mag"],
            )
        )  # fmt: skip
        bright = cuts["mag"][band][0]
        with np.errstate(invalid="ignore"):
            due &= (true >= bright) & (true < bright + _SURE_MAG)
            has &= np.isfinite(flux) & np.isfinite(error) & (flux > 0) & (error > 0)
        for name in FLAGS:
            if f"{band}_{name}" in table:
                due &= ~np.asarray(table[f"{band}_{name}"]).astype(bool)
    return due, due & ~has
