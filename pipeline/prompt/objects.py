"""New versions of the DIAObjects that an image has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Table

from skyassay.pipeline.prompt.moments import difference_columns, mean_columns
from skyassay.pipeline.prompt.positions import mean_positions
from skyassay.pipeline.prompt.statistics import Curves, Ints

#: Bands that a DIAObject has columns for.
BANDS = "ugrizy"


def placed_objects(known: Table, past: Table, sources: Table) -> Table:
    """Return where the objects of an image's sources are, and how often they were seen.

    Parameters
    ----------
    known : Table
        Newest versions of objects (columns `store.KNOWN`); others than those seen may be in it.
    past : Table
        Their sources of 12 months.
    sources : Table
        Of the image, each with the ``diaObjectId`` of a known or a new object.

    Returns
    -------
    Table
        A row per object, sorted by id: mean position, ``nDiaSources``, first and last time.
        Counts and first times go on from the known version: they are older than 12 months.
    """
    ids = np.unique(np.asarray(sources["diaObjectId"], dtype=np.int64))
    which = _place(ids, [past, sources])
    columns = ("ra", "dec", "raErr", "decErr", "ra_dec_Cov")
    found = mean_positions(len(ids), which, *(joined([past, sources], c) for c in columns))
    table = Table({"diaObjectId": ids, **found})
    mine = _place(ids, [sources])
    seen = np.bincount(mine, minlength=len(ids))
    time = np.asarray(sources["midpointMjdTai"], dtype=np.float64)
    first, last = np.full(len(ids), np.inf), np.full(len(ids), -np.inf)
    np.minimum.at(first, mine, time)
    np.maximum.at(last, mine, time)
    row = np.searchsorted(ids, np.asarray(known["diaObjectId"], dtype=np.int64))
    there = np.isin(np.asarray(known["diaObjectId"]), ids)
    row, before = row[there], known[there]
    seen[row] += np.asarray(before["nDiaSources"], dtype=np.int64)
    first[row] = np.fmin(first[row], np.asarray(before["firstDiaSourceMjdTai"]))
    last[row] = np.fmax(last[row], np.asarray(before["lastDiaSourceMjdTai"]))
    table["nDiaSources"] = seen
    table["firstDiaSourceMjdTai"], table["lastDiaSourceMjdTai"] = first, last
    return table


def with_light_curves(placed: Table, sources: Sequence[Table], forced: Sequence[Table]) -> Table:
    """Return objects with the statistics of their light curves, all columns that the APDB has.

    Parameters
    ----------
    placed : Table
        As `placed_objects` makes it.
    sources, forced : sequence of Table
        DIASources and forced sources of 12 months, those of the image among them.
    """
    ids = np.asarray(placed["diaObjectId"])
    table = placed.copy(copy_data=False)
    seen, measured = _place(ids, sources), _place(ids, forced)
    of_source, of_forced = joined(sources, "band"), joined(forced, "band")
    for band in BANDS:
        found = {
            **difference_columns(_curves(len(ids), seen, sources, "psfFlux", of_source == band)),
            **mean_columns(
                _curves(len(ids), seen, sources, "scienceFlux", of_source == band), "scienceFlux"
            ),
            **mean_columns(
                _curves(len(ids), measured, forced, "psfFlux", of_forced == band), "fpFlux"
            ),
        }
        for name, values in found.items():
            table[f"{band}_{name}"] = values
    return table


def _place(ids: Ints, tables: Sequence[Table]) -> Ints:
    """Return the place of each row's object among sorted ids; all of them are there."""
    return np.searchsorted(ids, joined(tables, "diaObjectId").astype(np.int64))


def joined(tables: Sequence[Table], name: str) -> np.ndarray:
    """Return a column of several tables, one after the other."""
    return np.concatenate([np.asarray(t[name]) for t in tables])


#: A flux of a source that this flag stands beside is none.
_FLAGS = {"psfFlux": "psfFlux_flag", "scienceFlux": "forced_PsfFlux_flag"}


def _curves(
    count: int, which: Ints, tables: Sequence[Table], flux: str, wanted: np.ndarray
) -> Curves:
    """Return the light curves of one kind of flux in one band."""
    values = joined(tables, flux).astype(np.float64)
    flag = _FLAGS[flux]
    if all(flag in t.colnames for t in tables):
        bad = [np.ma.filled(np.ma.asarray(t[flag]), False).astype(bool) for t in tables]
        wanted = wanted & ~np.concatenate(bad)
    some = np.flatnonzero(wanted)
    return Curves.of(
        count,
        which[some],
        joined(tables, "midpointMjdTai")[some],
        values[some],
        joined(tables, f"{flux}Err")[some],
    )
