"""The compiled way of a selection: the same stars, counts and bits as the numpy way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics import selection_kernel as kernel
from skyassay.metrics.compiled import plain
from skyassay.metrics.contract import Table
from skyassay.metrics.selection import NJY_ZERO_POINT, Selection, flagged_rows
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.star_counts import Counts, StarCounts, small_sample_factors
from skyassay.metrics.states.star_kernel import place_rows
from skyassay.metrics.states.star_sample import ROW_BOUND, BandStars, StarSample

_HANDLING = {
    "ignore": kernel.IGNORE,
    "drop_row": kernel.DROP_ROW,
    "reject_object": kernel.REJECT_OBJECT,
}
#: Rows whose magnitudes are made at once: they stay in the cache.
_CHUNK = 2**14
_MOST_BANDS = 64


def select_stars(selection: Selection, table: Table) -> StarSample | None:
    """Return the selected stars of one partition.

    Rows that are not sorted by object and visit are sorted first. None when a star has two
    usable rows of one visit, or when there are very many bands: for the numpy way.
    """
    coded = band_codes(np.asarray(table["band"]))
    if coded is None:
        return None
    names, band = coded
    columns = _columns(table, band)
    longest = kernel.longest_run(columns.star)
    for attempt in ("as it is", "sorted"):
        if attempt == "sorted":
            columns = _sorted(columns)
            longest = kernel.longest_run(columns.star)
        if not longest:
            continue
        if longest > kernel.MOST_ROWS:
            return None
        cuts = _cuts(selection, names, np.bincount(columns.band, minlength=len(names)), longest)
        kind = np.empty(len(band), dtype=np.uint8)
        kernel.rows_kind(columns, cuts, kind)
        found = kernel.Groups.room(len(band))
        groups = kernel.group(columns, kind, len(names), found)
        if groups != kernel.OUT_OF_ORDER:
            refused = kernel.Refused.none(len(names))
            kept = kernel.judge(columns, cuts, found, groups, refused)
            return StarSample(_bands(columns, found, kept, refused, names))
    return None


def band_codes(band: NDArray[Any]) -> tuple[list[str], NDArray[np.uint8]] | None:
    """Return the names of the bands, in order, and the number of each row's band.

    None when there are more than a table of rows can sensibly have.
    """
    text = np.ascontiguousarray(band if band.dtype.kind == "U" else band.astype(str))
    if text.dtype.itemsize == 4:
        letter = text.view(np.uint32)
        if int(letter.max()) < 128:
            there = np.flatnonzero(np.bincount(letter, minlength=128))
            number = np.zeros(128, dtype=np.uint8)
            number[there] = np.arange(len(there))
            return [chr(c) if c else "" for c in there.tolist()], number[letter]
    names: list[str] = []
    code = np.zeros(len(text), dtype=np.uint8)
    rest = np.arange(len(text))
    while len(rest):
        if len(names) == _MOST_BANDS:
            return None
        names.append(str(text[rest[0]]))
        same = text[rest] == names[-1]
        code[rest[same]] = len(names) - 1
        rest = rest[~same]
    order = np.argsort(names)
    return [names[i] for i in order.tolist()], np.argsort(order).astype(np.uint8)[code]


def _columns(table: Table, band: NDArray[np.uint8]) -> kernel.Columns:
    flux = plain(table["psfFlux"], np.float64)
    mag = np.empty(len(flux))
    with np.errstate(divide="ignore", invalid="ignore"):
        for start in range(0, len(flux), _CHUNK):
            part = mag[start : start + _CHUNK]
            np.log10(flux[start : start + _CHUNK], out=part)
            np.multiply(part, 2.5, out=part)
            np.subtract(NJY_ZERO_POINT, part, out=part)
    return kernel.Columns(
        star=plain(table["objectId"], np.int64),
        visit=plain(table["visit"], np.int64),
        band=plain(band, np.uint8),
        mag=plain(mag, np.float64),
        flux=flux,
        error=plain(table["psfFluxErr"], np.float64),
        ra=plain(table["coord_ra"], np.float64),
        dec=plain(table["coord_dec"], np.float64),
        extendedness=plain(table["extendedness"], np.float64),
        flagged=plain(flagged_rows(table), np.bool_),
    )


def _sorted(columns: kernel.Columns) -> kernel.Columns:
    order = np.lexsort((columns.visit, columns.star))
    return kernel.Columns(*(plain(column[order], column.dtype.type) for column in columns))


def _cuts(
    selection: Selection, names: list[str], rows: NDArray[np.intp], longest: int
) -> kernel.Cuts:
    everything = selection.mag.get("*", (-np.inf, np.inf))
    low, high = np.array([selection.mag.get(name, everything) for name in names], dtype=float).T
    return kernel.Cuts(
        unusable=_HANDLING[selection.unusable],
        flags=_HANDLING[selection.flags],
        row_snr_min=float(selection.row_snr_min),
        extendedness_max=float(selection.extendedness_max),
        by_median=selection.extendedness_statistic == "median",
        min_visits=int(selection.min_visits),
        snr_low=float(selection.snr[0]),
        snr_high=float(selection.snr[1]),
        mag_low=plain(low, np.float64),
        mag_high=plain(high, np.float64),
        counted=plain(rows > ROW_BOUND, np.bool_),
        factors=plain(small_sample_factors(longest), np.float64),
    )


@dataclass(frozen=True)
class _Places:
    """Where the kept stars of one band go: those with the smallest hashes up to the bound.

    Attributes
    ----------
    stars : ndarray, shape (n_stars,)
        Their places among the groups.
    to : ndarray, shape (n_stars,)
        Where the rows of each begin among those of the band.
    rows, cut, n_stars : int
        Rows and the hash of the first star left out, if any; stars kept or not.
    """

    stars: NDArray[np.intp]
    to: NDArray[np.int64]
    rows: int
    cut: int | None
    n_stars: int


def _places(columns: kernel.Columns, found: kernel.Groups, kept: int, code: int) -> _Places:
    here = np.flatnonzero(found.band[:kept] == code)
    key = splitmix64(columns.star[found.row[found.first[here]]])
    order = _by_hash(key, found.number[here])
    count = found.number[here[order]]
    end = np.cumsum(count)
    fit = int(np.searchsorted(end, ROW_BOUND, side="right"))
    cut = int(key[order[fit]]) if fit < len(order) else None
    rows = int(end[fit - 1]) if fit else 0
    return _Places(here[order[:fit]], (end - count)[:fit], rows, cut, len(here))


def _by_hash(key: NDArray[np.uint64], count: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the order by hash, of so many of the smallest hashes that the bound is passed.

    Hashes are spread evenly, so those below a limit are a known share of all.
    """
    share = 1.25 * ROW_BOUND / max(int(count.sum()), 1)
    if share < 1.0:
        few = np.flatnonzero(key < np.uint64(share * 2.0**64))
        if int(count[few].sum()) > ROW_BOUND:
            return few[np.argsort(key[few])]
    return np.argsort(key)


def _bands(
    columns: kernel.Columns,
    found: kernel.Groups,
    kept: int,
    refused: kernel.Refused,
    names: list[str],
) -> dict[str, BandStars]:
    """Return the stars of every band; each column is read once, in its own order."""
    places = [_places(columns, found, kept, code) for code in range(len(names))]
    starts = np.cumsum([0, *(p.rows for p in places)]).tolist()
    to = np.full(kept, -1, dtype=np.int64)
    for p, start in zip(places, starts[:-1], strict=True):
        to[p.stars] = p.to + start

    def placed(column: NDArray[Any]) -> NDArray[Any]:
        made = np.empty(starts[-1], dtype=column.dtype)
        place_rows(found.first[:kept], found.number[:kept], to, found.row, column, made)
        return made

    star, visit, mag = placed(columns.star), placed(columns.visit), placed(columns.mag)
    ra, dec = np.radians(placed(columns.ra)), np.radians(placed(columns.dec))
    bands = {}
    for code, (name, p) in enumerate(zip(names, places, strict=True)):
        rows = slice(starts[code], starts[code + 1])
        counts = StarCounts(Counts(refused.scatter[code]), Counts(refused.deviation[code]))
        bands[name] = BandStars(
            star=star[rows],
            visit=visit[rows],
            mag=mag[rows],
            ra=ra[rows],
            dec=dec[rows],
            n_stars=p.n_stars,
            rejected=_reasons(refused.number[code]),
            cut=p.cut,
            counts=None if p.cut is None else counts,
        )
    return bands


def _reasons(number: NDArray[np.int64]) -> dict[str, int]:
    """Return why stars were refused and how many, as far as any were."""
    named = zip(kernel.REASONS, number.tolist(), strict=True)
    return {reason: count for reason, count in sorted(named) if count}
