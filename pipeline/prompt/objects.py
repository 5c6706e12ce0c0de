"""New versions of the DIAObjects that an image has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.prompt.moments import difference_columns, mean_columns, shape_columns
from skyassay.pipeline.prompt.positions import mean_positions
from skyassay.pipeline.prompt.rows import Rows, joined
from skyassay.pipeline.prompt.statistics import Curves, Floats, Ints

#: Bands that a DIAObject has columns for.
BANDS = "ugrizy"
#: A flux of a source that this flag stands beside is none.
_FLAGS = {"psfFlux": "psfFlux_flag", "scienceFlux": "forced_PsfFlux_flag"}


def placed_objects(known: Rows, past: Rows, sources: Rows) -> Rows:
    """Return where the objects of an image's sources are, and how often they were seen.

    Parameters
    ----------
    known : Rows
        Newest versions of objects (columns `store.KNOWN`); others than those seen may be in it.
    past : Rows
        Their sources of 12 months.
    sources : Rows
        Of the image, each with the ``diaObjectId`` of a known or a new object.

    Returns
    -------
    Rows
        One per object, sorted by id: mean position, ``nDiaSources``, first and last time.
        Counts and first times go on from the known version: they are older than 12 months.
    """
    ids = np.unique(sources.ids("diaObjectId"))
    which = _place(ids, [past, sources])
    columns = ("ra", "dec", "raErr", "decErr", "ra_dec_Cov")
    found = mean_positions(len(ids), which, *(_numbers([past, sources], c) for c in columns))
    seen, first, last = _times(ids, known, sources)
    times = {"firstDiaSourceMjdTai": first, "lastDiaSourceMjdTai": last}
    return Rows({"diaObjectId": ids, **found, "nDiaSources": seen, **times})


def _times(ids: Ints, known: Rows, sources: Rows) -> tuple[Ints, Floats, Floats]:
    """Return how often objects were seen, when first and when last."""
    mine, time = _place(ids, [sources]), sources.numbers("midpointMjdTai")
    seen = np.bincount(mine, minlength=len(ids)).astype(np.int64)
    first, last = np.full(len(ids), np.inf), np.full(len(ids), -np.inf)
    np.minimum.at(first, mine, time)
    np.maximum.at(last, mine, time)
    before = known.take(np.isin(known.ids("diaObjectId"), ids))
    row = _place(ids, [before])
    seen[row] += before.ids("nDiaSources")
    first[row] = np.fmin(first[row], before.numbers("firstDiaSourceMjdTai"))
    last[row] = np.fmax(last[row], before.numbers("lastDiaSourceMjdTai"))
    return seen, first, last


def with_light_curves(placed: Rows, sources: Sequence[Rows], forced: Sequence[Rows]) -> Rows:
    """Return objects with the statistics of their light curves, all columns that the APDB has.

    Parameters
    ----------
    placed : Rows
        As `placed_objects` makes it.
    sources, forced : sequence of Rows
        DIASources and forced sources of 12 months, those of the image among them.
    """
    count, ids = len(placed), placed.ids("diaObjectId")
    seen, measured = _place(ids, sources), _place(ids, forced)
    of_source, of_forced = joined(sources, "band"), joined(forced, "band")
    found: dict[str, NDArray[np.generic]] = {}
    for band in BANDS:
        some, other = of_source == band, of_forced == band
        columns = {
            **difference_columns(_curves(count, seen, sources, "psfFlux", some)),
            **mean_columns(_curves(count, seen, sources, "scienceFlux", some), "scienceFlux"),
            **mean_columns(_curves(count, measured, forced, "psfFlux", other), "fpFlux"),
        }
        found |= {f"{band}_{name}": values for name, values in columns.items()}
    return placed.with_(found)


def with_shapes(objects: Rows, sources: Rows) -> Rows:
    """Return objects with the statistics of their light curves that the APDB has no columns for.

    Parameters
    ----------
    objects : Rows
        Sorted by ``diaObjectId``.
    sources : Rows
        Their DIASources.
    """
    which, band = _place(objects.ids("diaObjectId"), [sources]), sources["band"]
    found: dict[str, NDArray[np.generic]] = {}
    for one in BANDS:
        curves = _curves(len(objects), which, [sources], "psfFlux", np.asarray(band == one))
        found |= {f"{one}_{name}": values for name, values in shape_columns(curves).items()}
    return objects.with_(found)


def _place(ids: Ints, tables: Sequence[Rows]) -> Ints:
    """Return the place of each row's object among sorted ids; all of them are there."""
    return np.searchsorted(ids, np.concatenate([t.ids("diaObjectId") for t in tables]))


def _numbers(tables: Sequence[Rows], name: str) -> Floats:
    """Return a column of several tables as real numbers."""
    return np.concatenate([t.numbers(name) for t in tables])


def _curves(
    count: int, which: Ints, tables: Sequence[Rows], flux: str, wanted: NDArray[np.bool_]
) -> Curves:
    """Return the light curves of one kind of flux in one band."""
    rows = np.flatnonzero(wanted)
    if not len(rows):
        return Curves.of(count, [], [], [], [])
    bad = np.concatenate([t.truths(_FLAGS[flux]) for t in tables])
    rows = rows[~bad[rows]]
    columns = ("midpointMjdTai", flux, f"{flux}Err")
    return Curves.of(count, which[rows], *(_numbers(tables, c)[rows] for c in columns))
