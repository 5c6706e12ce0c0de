"""Repeated measurements of true stars, from the tables of pixels or of a twin alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import groups
from skyassay.verify.closure.matching import Table, crowding, match, offsets
from skyassay.verify.closure.stars import ALONE, CROWDED, FLAWS, MMAG, POGSON, number
from skyassay.verify.errors import VerifyError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Product -> columns that must be there; of the truths one must be.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "matched_source": (
        "objectId", "visit", "detector", "band", "coord_ra", "coord_dec", "psfFlux", "psfFluxErr",
    ),
    "visit_table": ("visit", "seeing", "expMidptMJD"),
}  # fmt: skip
TRUTHS: Mapping[str, tuple[str, ...]] = {
    "truth_source": ("visit", "detector", "objectId", "isStar", "coord_ra", "coord_dec", "flux"),
    "truth_star": ("objectId", "coord_ra", "coord_dec", "epochMjdTai", "pmRa", "pmDec"),
}
WELCOME: Mapping[str, tuple[str, ...]] = {
    "matched_source": ("epochMjdTai", *FLAWS),
    "truth_star": ("isVariable",),
}
#: A star seen less often has no mean worth the name.
FEWEST_VISITS = 3
_YEAR = 365.25


@dataclass(frozen=True)
class Repeats:
    """Measurements of stars that were seen often, one row each.

    Attributes
    ----------
    band : ndarray of str
    visit, detector : ndarray of int64
    star, image : ndarray of int64
        Numbers of the star on its detector, and of the visit and detector; from 0, no gaps.
    flux, error : ndarray
        Relative difference from the star's mean flux, and its quoted error, in mmag to first
        order (linear in flux, so that faint stars are not biased); fainter is positive.
    snr : ndarray
        The star's mean flux over the quoted error: not chosen by its own noise.
    east, north : ndarray
        From the true place, mas.
    seeing : ndarray
        FWHM of the visit, arcsec.
    """

    band: NDArray[np.str_]
    visit: Ints
    detector: Ints
    star: Ints
    image: Ints
    flux: Floats
    error: Floats
    snr: Floats
    east: Floats
    north: Floats
    seeing: Floats

    def __len__(self) -> int:
        """Return the number of measurements."""
        return len(self.flux)


def repeats(tables: Mapping[str, Table], band: str) -> Repeats:
    """Return the measurements of one band: of sound, lonely, constant stars.

    Parameters
    ----------
    tables : mapping
        `NEEDED` products -> columns in declared units, and one of `TRUTHS`. With
        ``truth_source`` a place is compared with that of its visit; with ``truth_star`` with
        that at the epoch of the measurement, by proper motion (without parallax).

    Raises
    ------
    VerifyError
        ``missing_product``, ``missing_column`` (exit code 3).
    """
    _refuse_missing(tables)
    seen = tables["matched_source"]
    here = np.asarray(seen["band"]).astype(str) == band
    seen = {n: np.asarray(c)[here] for n, c in seen.items()}
    if "truth_source" in tables:
        rows, star, ra, dec = _by_image(seen, tables["truth_source"])
    else:
        rows, star, ra, dec = _by_star(seen, tables["truth_star"], tables["visit_table"])
    return _repeats({n: c[rows] for n, c in seen.items()}, star, ra, dec, tables["visit_table"])


def _by_image(seen: Table, truth: Table) -> tuple[Ints, Ints, Floats, Floats]:
    """Return rows of a lonely star, its number and its true place on that image."""
    pairs = match(seen, truth)
    good = np.asarray(truth["isStar"]).astype(bool) & (crowding(truth, CROWDED) <= ALONE)
    keep = good[pairs.truth]
    rows, at = pairs.source[keep], pairs.truth[keep]
    star = np.asarray(truth["objectId"]).astype(np.int64)[at]
    return rows, star, number(truth, "coord_ra")[at], number(truth, "coord_dec")[at]


def _by_star(seen: Table, truth: Table, visits: Table) -> tuple[Ints, Ints, Floats, Floats]:
    """Return rows of a constant star, its number and its true place at the epoch."""
    if "isVariable" in truth:
        constant = ~np.asarray(truth["isVariable"]).astype(bool)
        truth = {n: np.asarray(c)[constant] for n, c in truth.items()}
    ids = np.asarray(truth["objectId"]).astype(np.int64)
    when = _of_visit(seen, visits, "expMidptMJD")
    if "epochMjdTai" in seen:
        told = number(seen, "epochMjdTai")
        when = np.where(np.isfinite(told), told, when)
    # One object of the association is one star: the star nearest to its first measurement.
    first = np.unique(np.asarray(seen["objectId"]), return_index=True)
    one = np.zeros(len(first[1]), dtype=np.int64)
    pairs = match(
        {
            "visit": one,
            "detector": one,
            "coord_ra": number(seen, "coord_ra")[first[1]],
            "coord_dec": number(seen, "coord_dec")[first[1]],
        },
        {**truth, "visit": np.zeros(len(ids), int), "detector": np.zeros(len(ids), int)},
    )
    star_of = np.full(len(one), -1, dtype=np.int64)
    star_of[pairs.source] = pairs.truth
    at = star_of[np.searchsorted(first[0], np.asarray(seen["objectId"]))]
    rows = np.flatnonzero(at >= 0).astype(np.int64)
    at = at[rows]
    years = (when[rows] - number(truth, "epochMjdTai")[at]) / _YEAR
    dec = number(truth, "coord_dec")[at]
    # pmRa is along the arc, in mas per year.
    ra = number(truth, "coord_ra")[at] + number(truth, "pmRa")[at] * years / 3.6e6 / np.cos(
        np.radians(dec)
    )
    return rows, ids[at], ra % 360.0, dec + number(truth, "pmDec")[at] * years / 3.6e6


def _of_visit(seen: Table, visits: Table, name: str) -> Floats:
    """Return what the visit table says of each row; NaN where it has no such visit."""
    ids = np.asarray(visits["visit"]).astype(np.int64)
    mine = np.asarray(seen["visit"]).astype(np.int64)
    if not len(ids):
        return np.full(len(mine), np.nan)
    order = np.argsort(ids, kind="stable")
    at = order[np.minimum(np.searchsorted(ids[order], mine), len(ids) - 1)]
    return np.where(ids[at] == mine, number(visits, name)[at], np.nan)


def _repeats(seen: Table, star: Ints, ra: Floats, dec: Floats, visits: Table) -> Repeats:
    """Return sound rows of stars seen often, with numbers for stars and images."""
    flux, error = number(seen, "psfFlux"), number(seen, "psfFluxErr")
    east, north = offsets(number(seen, "coord_ra"), number(seen, "coord_dec"), ra, dec)
    seeing = _of_visit(seen, visits, "seeing")
    sound = np.isfinite(flux + east + north) & (error > 0.0) & (seeing > 0.0)
    for name in FLAWS:
        if name in seen:
            sound &= ~np.asarray(seen[name]).astype(bool)
    detector = np.asarray(seen["detector"]).astype(np.int64)
    # A star that dithers bring to another detector is another star: it meets another error.
    where = groups((star, detector))
    often = np.bincount(where[sound], minlength=int(where.max(initial=-1)) + 1) >= FEWEST_VISITS
    rows = np.flatnonzero(sound & often[where])
    visit = np.asarray(seen["visit"]).astype(np.int64)[rows]
    where = np.unique(where[rows], return_inverse=True)[1].ravel().astype(np.int64)
    flux, error, detector = flux[rows], error[rows], detector[rows]
    weight = 1.0 / error**2
    mean = (np.bincount(where, weight * flux) / np.bincount(where, weight))[where]
    real = mean > 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = -POGSON * MMAG * (flux / mean - 1.0)
    made = {
        "band": np.asarray(seen["band"]).astype(str)[rows],
        "visit": visit,
        "detector": detector,
        "star": where,
        "flux": relative,
        "error": POGSON * MMAG * error / mean,
        "snr": mean / error,
        "east": east[rows],
        "north": north[rows],
        "seeing": seeing[rows],
    }
    kept: dict[str, NDArray[Any]] = {n: c[real] for n, c in made.items()}
    kept["star"] = groups((kept["star"],))
    kept["image"] = groups((kept["visit"], kept["detector"]))
    return Repeats(**{f.name: kept[f.name] for f in fields(Repeats)})


def _refuse_missing(tables: Mapping[str, Table]) -> None:
    truth = next((t for t in TRUTHS if t in tables), None)
    if truth is None:
        raise missing("truth_star or truth_source", tables)
    for product, needed in {**NEEDED, truth: TRUTHS[truth]}.items():
        if product not in tables:
            raise missing(product, tables)
        absent = sorted(set(needed) - set(tables[product]))
        if absent:
            raise VerifyError(
                f"The table {product} has no column {', '.join(absent)}.",
                code="missing_column",
                hint="Name tables of `assay simulate release` or `assay process release`.",
            )


def missing(product: str, there: Any) -> VerifyError:
    """Return the error of a table that is not there."""
    names = ", ".join(sorted(there)) or "none"
    return VerifyError(
        f"The error terms need the table {product}; there are {names}.",
        code="missing_product",
        hint="Name a processed simulation with its truth, and a simulated release.",
    )
