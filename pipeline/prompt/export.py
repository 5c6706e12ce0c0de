"""What the prompt database holds of a night, under the names of the public products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from skyassay.pipeline.prompt import store as db
from skyassay.pipeline.prompt.database import PromptDatabase
from skyassay.pipeline.prompt.objects import with_shapes
from skyassay.pipeline.prompt.rows import Rows
from skyassay.pipeline.tables.ids import VISITS_A_NIGHT
from skyassay.pipeline.tables.standardize import conform

#: Column of the database -> that of `dia_object_forced_source`: ``psfFlux`` of the one is the
#: flux on the difference, of the other that on the science image.
_FORCED = {
    "psfFlux": "psfDiffFlux",
    "psfFluxErr": "psfDiffFluxErr",
    "scienceFlux": "psfFlux",
    "scienceFluxErr": "psfFluxErr",
}


@dataclass(frozen=True)
class NightTables:
    """Products of a night.

    Attributes
    ----------
    sources : Table
        `dia_source`, with the ids of objects.
    objects : Table
        `dia_object`: newest versions of the objects that were seen, with the statistics of 12
        months that only releases have beside those of the database.
    forced : Table
        `dia_object_forced_source`: fluxes on the night's images, those of precovery too.
    """

    sources: Table
    objects: Table
    forced: Table


def night_tables(database: PromptDatabase, day: int) -> NightTables:
    """Return what is stored of a night.

    Parameters
    ----------
    database : PromptDatabase
    day : int
        Day of observation, yyyymmdd.

    Raises
    ------
    PromptError
        Those of the database.
    """
    first = day * VISITS_A_NIGHT
    sources = db.of_visits(database, "DiaSource", first, first + VISITS_A_NIGHT)
    forced = db.of_visits(database, "DiaForcedSource", first, first + VISITS_A_NIGHT)
    ids = np.unique(sources.ids("diaObjectId"))
    objects = db.newest(database, ids[ids != 0])
    midpoint = float(sources.numbers("midpointMjdTai").max(initial=0.0))
    past = db.history(database, "DiaSource", objects.ids("diaObjectId"), midpoint)
    return NightTables(
        _product(sources, "dia_source"),
        _product(with_shapes(objects, past), "dia_object"),
        _product(_renamed(forced), "dia_object_forced_source"),
    )


def _renamed(forced: Rows) -> Rows:
    """Return forced fluxes with a release's names and flags."""
    found = Rows({_FORCED.get(name, name): column for name, column in forced.columns.items()})
    flags: dict[str, Any] = {
        f"{name}_flag": ~np.isfinite(found.numbers(name)) for name in ("psfFlux", "psfDiffFlux")
    }
    return found.with_(flags)


def _product(rows: Rows, name: str) -> Table:
    """Return rows with the types and units of a product; what is masked stays so."""
    table = rows.to_table()
    masked = {n: table[n] for n in table.colnames if hasattr(table[n], "mask")}
    for column in masked:
        table.remove_column(column)
    done = conform(table, name)
    for column, values in masked.items():
        done[column] = values
    return done[[n for n in rows.colnames if n in done.colnames]]
