"""The compiled way of a selection: the same stars, counts and bits as the numpy way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics import selection_kernel as kernel
from skyassay.metrics.compiled import plain
from skyassay.metrics.contract import Table
from skyassay.metrics.selection import NJY_ZERO_POINT, Selection, flagged_rows
from skyassay.metrics.states.hashing import splitmix64
from skyassay.metrics.states.star_counts import Counts, StarCounts, small_sample_factors
from skyassay.metrics.states.star_kernel import take_rows
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
            return StarSample(
                {n: _band(columns, found, kept, refused, code) for code, n in enumerate(names)}
            )
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


def _band(
    columns: kernel.Columns,
    found: kernel.Groups,
    kept: int,
    refused: kernel.Refused,
    code: int,
) -> BandStars:
    """Return the stars of one band, those with the smallest hashes up to the bound."""
    here = np.flatnonzero(found.band[:kept] == code)
    first, count = found.first[here], found.number[here]
    key = splitmix64(columns.star[found.row[first]])
    order = np.argsort(key)
    fit = int(np.searchsorted(np.cumsum(count[order]), ROW_BOUND, side="right"))
    cut, counts = None, None
    if fit < len(order):
        cut = int(key[order[fit]])
        counts = StarCounts(Counts(refused.scatter[code]), Counts(refused.deviation[code]))
    first, count = first[order[:fit]], count[order[:fit]]

    def taken(column: NDArray[Any]) -> NDArray[Any]:
        made = np.empty(int(count.sum()), dtype=column.dtype)
        take_rows(first, count, found.row, column, made)
        return made

    reasons = zip(kernel.REASONS, refused.number[code].tolist(), strict=True)
    return BandStars(
        taken(columns.star),
        taken(columns.visit),
        taken(columns.mag),
        np.radians(taken(columns.ra)),
        np.radians(taken(columns.dec)),
        len(here),
        {reason: number for reason, number in sorted(reasons) if number},
        cut,
        counts,
    )
