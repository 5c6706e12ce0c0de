"""Questions to the prompt database, and the one transaction that an image is stored in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from astropy.time import Time
from numpy.typing import ArrayLike

from skyassay.pipeline.prompt.columns import open_ended, to_frame, to_rows
from skyassay.pipeline.prompt.database import PromptDatabase
from skyassay.pipeline.prompt.errors import reading_database
from skyassay.pipeline.prompt.forced import NUMBER, PRECOVERY
from skyassay.pipeline.prompt.rows import Rows, stacked
from skyassay.pipeline.prompt.statistics import Ints

if TYPE_CHECKING:
    import sqlalchemy

Kind = Literal["DiaObject", "DiaSource", "DiaForcedSource"]
#: History that alerts carry, days: 12 months (DMS-REQ-0274).
HISTORY = 365.25
#: Columns of known objects that association needs.
KNOWN = (
    "diaObjectId",
    "ra",
    "dec",
    "raErr",
    "decErr",
    "validityStartMjdTai",
    "firstDiaSourceMjdTai",
    "lastDiaSourceMjdTai",
    "nDiaSources",
)
#: The order that rows are given in, whatever the database's is.
_ORDER = {
    "DiaObject": ("diaObjectId", "validityStartMjdTai"),
    "DiaSource": ("diaObjectId", "midpointMjdTai", "diaSourceId"),
    "DiaForcedSource": ("diaObjectId", "midpointMjdTai", "visit", "detector"),
}
#: Ids in one question.
_CHUNK = 500


@dataclass(frozen=True)
class Stored:
    """What one image has stored.

    Attributes
    ----------
    sources, objects, forced : Rows
        Rows of DiaSource, DiaForcedSource and the versions of DiaObject that it made, sorted by
        id. The end of a version's validity is left out: later images write it.
    processed : float or None
        Its time of processing, MJD TAI; None where there is no row.
    """

    sources: Rows
    objects: Rows
    forced: Rows
    processed: float | None


def definitions(database: PromptDatabase, kind: Kind) -> list[Any]:
    """Return the columns of a table of the schema, without those for the index alone."""
    from lsst.dax.apdb import ApdbTables

    index = database.apdb.getConfig().pixelization.htm_index_column
    return [c for c in database.apdb.tableDef(ApdbTables[kind]).columns if c.name != index]


def contains(database: PromptDatabase, visit: int, detector: int) -> bool:
    """Return whether an image has stored anything; what precovery has added does not count.

    The library's `containsVisitDetector` would count it, and an image whose association had
    failed would never be associated.
    """
    import sqlalchemy as sa

    kinds: tuple[Kind, Kind] = ("DiaSource", "DiaForcedSource")
    for kind in kinds:
        table, _ = _selectable(database, kind, ())
        query = sa.select(sa.literal(1)).select_from(table).where(*_of(kind, visit, detector))
        with reading_database("read"), database.engine.connect() as connection:
            if connection.execute(query.limit(1)).first() is not None:
                return True
    return False


def _of(kind: Kind, visit: int, detector: int) -> list[Any]:
    """Return the conditions on rows that an image itself has stored."""
    import sqlalchemy as sa

    mine = [sa.column("visit") == visit, sa.column("detector") == detector]
    if kind == "DiaForcedSource":
        number = sa.column("diaForcedSourceId", sa.BigInteger).bitwise_and(NUMBER)
        mine.append(number < PRECOVERY)
    return mine


def objects_near(database: PromptDatabase, region: Any) -> Rows:
    """Return the newest versions of the objects in a region, and some around it.

    Parameters
    ----------
    database : PromptDatabase
    region : lsst.sphgeom.Region

    Returns
    -------
    Rows
        Columns `KNOWN`, sorted by id.
    """
    import sqlalchemy as sa

    table, columns = _selectable(database, "DiaObject", KNOWN)
    pixels = database.apdb.pixelator.envelope(
        region, database.apdb.getConfig().pixelization.htm_max_ranges
    )
    index = database.apdb.getConfig().pixelization.htm_index_column
    place: sa.ColumnElement[int] = sa.column(index, sa.BigInteger)
    inside = [place.between(low, high - 1) for low, high in pixels.ranges()]
    query = (
        sa.select(*columns)
        .select_from(table)
        .where(sa.or_(*inside), sa.column("validityEndMjdTai").is_(None))
        .order_by(sa.column("diaObjectId"))
    )
    known = {c.name: c for c in definitions(database, "DiaObject")}
    return _ask(database, query, [known[name] for name in KNOWN])


def history(
    database: PromptDatabase,
    kind: Kind,
    objects: ArrayLike,
    midpoint: float,
    before: float | None = None,
) -> Rows:
    """Return what was stored of objects in the 12 months before an image.

    Parameters
    ----------
    database : PromptDatabase
    kind : {"DiaSource", "DiaForcedSource"}
    objects : array_like of int
        Ids.
    midpoint : float
        Time of the image, MJD TAI.
    before : float, optional
        Only what was processed earlier than this.

    Returns
    -------
    Rows
        Sorted by object and time; rows that were withdrawn are left out.
    """
    import sqlalchemy as sa

    described = definitions(database, kind)
    table, columns = _selectable(database, kind, [c.name for c in described])
    conditions = [
        sa.column("midpointMjdTai") >= midpoint - HISTORY,
        sa.column("timeWithdrawnMjdTai").is_(None),
    ]
    if before is not None:
        conditions.append(sa.column("timeProcessedMjdTai") < before)
    parts = []
    for ids in _chunks(objects):
        mine = sa.column("diaObjectId").in_(ids)
        query = sa.select(*columns).select_from(table).where(mine, *conditions)
        parts.append(_ask(database, query.order_by(*map(sa.column, _ORDER[kind])), described))
    return stacked(parts)


def recall(database: PromptDatabase, visit: int, detector: int) -> Stored:
    """Return what an image has stored, the same however often it is asked."""
    import sqlalchemy as sa

    found = {}
    kinds: tuple[Kind, Kind] = ("DiaSource", "DiaForcedSource")
    for kind in kinds:
        described = definitions(database, kind)
        table, columns = _selectable(database, kind, [c.name for c in described])
        query = (
            sa.select(*columns)
            .select_from(table)
            .where(*_of(kind, visit, detector))
            .order_by(sa.column("diaSourceId" if kind == "DiaSource" else "diaObjectId"))
        )
        found[kind] = _ask(database, query, described)
    sources, forced = found["DiaSource"], found["DiaForcedSource"]
    times = [float(t.numbers("timeProcessedMjdTai").min()) for t in (sources, forced) if len(t)]
    processed = min(times) if times else None
    return Stored(sources, _versions(database, sources, processed), forced, processed)


def _versions(database: PromptDatabase, sources: Rows, processed: float | None) -> Rows:
    """Return the versions of objects that an image with these sources has made."""
    import sqlalchemy as sa

    described = [c for c in definitions(database, "DiaObject") if c.name != "validityEndMjdTai"]
    table, columns = _selectable(database, "DiaObject", [c.name for c in described])
    ids = sources.ids("diaObjectId")
    parts = []
    for some in _chunks(np.unique(ids[ids != 0])):
        query = (
            sa.select(*columns)
            .select_from(table)
            .where(
                sa.column("diaObjectId").in_(some), sa.column("validityStartMjdTai") == processed
            )
            .order_by(sa.column("diaObjectId"))
        )
        parts.append(_ask(database, query, described))
    return stacked(parts)


def store(
    database: PromptDatabase, processed: float, objects: Rows, sources: Rows, forced: Rows
) -> None:
    """Store what an image has found: all of it or, when anything goes wrong, nothing.

    Parameters
    ----------
    database : PromptDatabase
    processed : float
        MJD TAI; begins the validity of the objects' new versions.
    objects, sources, forced : Rows

    Raises
    ------
    PromptError
        ``missing_column`` and those of `reading_database`.
    """
    # The library fills them; made beforehand, it need not widen the table, which warns.
    versions = objects.with_(
        {
            "validityStartMjdTai": np.full(len(objects), processed),
            "validityEndMjdTai": np.full(len(objects), np.nan),
        }
    )
    tables: dict[Kind, Rows] = {
        "DiaObject": versions,
        "DiaSource": sources,
        "DiaForcedSource": forced,
    }
    frames = [to_frame(definitions(database, kind), table) for kind, table in tables.items()]
    frames[0] = open_ended(frames[0])
    with reading_database("written"):
        database.apdb.store(Time(processed, format="mjd", scale="tai"), *frames)


def new_objects(database: PromptDatabase, begin: float, end: float) -> Rows:
    """Return the newest versions of objects that were first seen in a time, sorted by id.

    Parameters
    ----------
    database : PromptDatabase
    begin, end : float
        MJD TAI; the end does not belong to it.
    """
    import sqlalchemy as sa

    table, columns = _selectable(database, "DiaObject", KNOWN)
    first: sa.ColumnElement[float] = sa.column("firstDiaSourceMjdTai", sa.Double)
    query = (
        sa.select(*columns)
        .select_from(table)
        .where(
            sa.column("validityEndMjdTai").is_(None),
            # Nothing is processed before it was seen: this one has an index.
            sa.column("validityStartMjdTai", sa.Double) >= begin,
            first >= begin,
            first < end,
        )
        .order_by(sa.column("diaObjectId"))
    )
    known = {c.name: c for c in definitions(database, "DiaObject")}
    return _ask(database, query, [known[name] for name in KNOWN])


def of_visits(database: PromptDatabase, kind: Kind, begin: int, end: int) -> Rows:
    """Return rows of DiaSource or DiaForcedSource of the visits begin .. end - 1, by id."""
    import sqlalchemy as sa

    described = definitions(database, kind)
    table, columns = _selectable(database, kind, [c.name for c in described])
    visit: sa.ColumnElement[int] = sa.column("visit", sa.BigInteger)
    query = (
        sa.select(*columns)
        .select_from(table)
        .where(visit >= begin, visit < end, sa.column("timeWithdrawnMjdTai").is_(None))
        .order_by(sa.column(f"{kind[0].lower()}{kind[1:]}Id"))
    )
    return _ask(database, query, described)


def newest(database: PromptDatabase, objects: ArrayLike) -> Rows:
    """Return the newest versions of objects, all columns, sorted by id."""
    import sqlalchemy as sa

    described = definitions(database, "DiaObject")
    table, columns = _selectable(database, "DiaObject", [c.name for c in described])
    parts = []
    for ids in _chunks(objects):
        query = (
            sa.select(*columns)
            .select_from(table)
            .where(sa.column("diaObjectId").in_(ids), sa.column("validityEndMjdTai").is_(None))
            .order_by(sa.column("diaObjectId"))
        )
        parts.append(_ask(database, query, described))
    return stacked(parts)


def forced_ids(database: PromptDatabase, visit: int, detector: int) -> tuple[Ints, Ints]:
    """Return the objects that an image has forced fluxes of, and the numbers in their ids."""
    import sqlalchemy as sa

    names = ("diaObjectId", "diaForcedSourceId")
    table, columns = _selectable(database, "DiaForcedSource", names)
    query = (
        sa.select(*columns)
        .select_from(table)
        .where(sa.column("visit") == visit, sa.column("detector") == detector)
    )
    known = {c.name: c for c in definitions(database, "DiaForcedSource")}
    rows = _ask(database, query, [known[name] for name in names])
    return rows.ids("diaObjectId"), rows.ids("diaForcedSourceId") & NUMBER


def store_forced(database: PromptDatabase, processed: float, forced: Rows) -> None:
    """Store forced fluxes alone, all or none; see `store`."""
    import pandas as pd

    frame = to_frame(definitions(database, "DiaForcedSource"), forced)
    # The library asks where objects are, of none too.
    none = pd.DataFrame({"diaObjectId": [], "ra": [], "dec": []})
    with reading_database("written"):
        moment = Time(processed, format="mjd", scale="tai")
        database.apdb.store(moment, none, forced_sources=frame)


def _selectable(
    database: PromptDatabase, kind: str, names: Sequence[str]
) -> tuple[Any, list[sqlalchemy.ColumnElement[Any]]]:
    """Return a table and its columns, for a query."""
    import sqlalchemy as sa

    config = database.apdb.getConfig()
    table = sa.table(f"{config.prefix}{kind}", schema=config.namespace)
    return table, [sa.column(name) for name in names]


def _chunks(ids: ArrayLike) -> Iterator[list[int]]:
    """Yield sorted ids, some at a time; once, empty, where there is none."""
    whole = sorted({int(i) for i in np.asarray(ids)})
    for start in range(0, max(len(whole), 1), _CHUNK):
        yield whole[start : start + _CHUNK]


def _ask(database: PromptDatabase, query: Any, described: Sequence[Any]) -> Rows:
    """Return the answer to a query as a table."""
    with reading_database("read"), database.engine.connect() as connection:
        rows = connection.execute(query).fetchall()
    return to_rows(described, rows)
