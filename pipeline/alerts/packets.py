"""Tables of one detector's new sources as encoded alert packets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.alerts import columns
from skyassay.pipeline.alerts.container import wire, write_container
from skyassay.pipeline.alerts.cutouts import Cutouts
from skyassay.pipeline.alerts.encode import Encoded, encode, long
from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.alerts.orbits import mpc_orbits
from skyassay.pipeline.alerts.schema import AlertSchema, newest

#: Length of the history in a packet, days: DMS-REQ-0274 says 12 months.
HISTORY_DAYS = 365.25
_NULL, _THERE, _END = b"\0", b"\2", b"\0"
Pieces = list[bytes | memoryview]
#: `target_name` of packets from simulated frames: nobody shall take them for the sky's.
SIMULATED = "simulated"


@dataclass(frozen=True)
class Packets:
    """Encoded alerts, in the order of the sources.

    Attributes
    ----------
    ids : tuple of int
        `diaSourceId`.
    bodies : tuple of bytes
        Avro records of the newest alert schema, without a header.
    schema : AlertSchema
    """

    ids: tuple[int, ...]
    bodies: tuple[bytes, ...]
    schema: AlertSchema

    def __len__(self) -> int:
        return len(self.bodies)

    def wire(self) -> list[bytes]:
        """Return the packets as they go to Kafka."""
        return [wire(body, self.schema.id) for body in self.bodies]

    def container(self) -> bytes:
        """Return the packets as one Avro container: dataset `alert_packets`."""
        return write_container(self.bodies, self.schema)


@dataclass(frozen=True, eq=False)
class _History:
    """Earlier rows of all objects, sorted by object and time, and encoded once."""

    encoded: Encoded
    objects: NDArray[np.int64]
    times: NDArray[np.float64]

    def of(self, object_id: int, time: float, side: Literal["left", "right"]) -> Pieces:
        """Return the rows of an object in the months before a time, as an Avro array's items.

        With side ``right`` those of the time itself too.
        """
        low, high = np.searchsorted(self.objects, (object_id, object_id + 1)).tolist()
        times = self.times[low:high]
        start = low + int(np.searchsorted(times, time - HISTORY_DAYS))
        stop = low + int(np.searchsorted(times, time, side))
        if start == stop:
            return []
        return [long(stop - start), self.encoded.rows(start, stop), _END]


def build(
    sources: Any,
    objects: Any,
    *,
    previous: Any = None,
    forced: Any = None,
    ss_sources: Any = None,
    orbits: Any = None,
    cutouts: Cutouts | None = None,
    reason: str | None = None,
    target: str | None = None,
) -> Packets:
    """Return the alert of every source.

    Tables are DataFrames, astropy Tables or mappings of arrays with the names of the APDB's
    schema, which are those of the packets. A packet holds the object where `diaObjectId` is not
    0, otherwise the Solar System source; never both, never none.

    Parameters
    ----------
    sources : table
        New DIASources, associated.
    objects : table
        DIAObjects (updated with these sources); of several rows for one, the last counts.
    previous : table, optional
        DIASources of these objects. Those of the last 12 months before the source go into its
        packet in order of time; the source itself does not.
    forced : table, optional
        DIAForcedSources, chosen in the same way, and those of the new visit.
    ss_sources : table, optional
        SSSources by `diaSourceId`.
    orbits : table, optional
        Known orbits by `ssObjectId`; see `orbits.mpc_orbits`.
    cutouts : Cutouts, optional
        See `cutouts.cut_all`.
    reason, target : str, optional
        `observation_reason` and `target_name` of the visit; `SIMULATED` where the frames are.

    Raises
    ------
    AlertError
        ``no_parent``, ``two_parents``, ``missing_object``, ``missing_ss_source``,
        ``unequal_cutouts``; those of `encode`.
    """
    schema = newest()
    if not columns.length(sources):
        return Packets((), (), schema)
    ids = columns.integers(sources, "diaSourceId")
    parents = _parents(sources, ids)
    times = columns.numbers(sources, "midpointMjdTai").tolist()
    made = encode(schema.record("diaSource"), sources)
    of_object = _objects(schema, objects, parents)
    of_system = _system(schema, ss_sources, orbits, ids, parents)
    history = _history(schema, "diaSource", previous, parents)
    photometry = _history(schema, "diaForcedSource", forced, parents)
    images = _images(cutouts, len(ids))
    words = [_text(reason), _text(target)]
    bodies = []
    for k, (own, parent) in enumerate(zip(ids.tolist(), parents.tolist(), strict=True)):
        pieces: Pieces = [long(own), *words, made.row(k)]
        if parent:
            earlier = history.of(parent, times[k], "left") if history else []
            pieces += [_THERE, *earlier] if earlier else [_NULL]
            measured = photometry.of(parent, times[k], "right") if photometry else []
            pieces += [_THERE, *(measured or [_END])]
            pieces += [_THERE, of_object[parent], _NULL, _NULL]
        else:
            pieces += [_NULL, _NULL, _NULL, *of_system[k]]
        for image in images:
            pieces += _bytes(image[k])
        bodies.append(b"".join(pieces))
    return Packets(tuple(ids.tolist()), tuple(bodies), schema)


def _parents(sources: Any, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the objects' ids; 0 where the source belongs to a Solar System object."""
    objects = columns.integers(sources, "diaObjectId")
    there = "ssObjectId" in columns.names(sources)
    system = columns.integers(sources, "ssObjectId") if there else np.zeros_like(objects)
    for code, wrong, what in (
        (
            "no_parent",
            (objects == 0) & (system == 0),
            "no object, nor one of the Solar System",
        ),
        ("two_parents", (objects != 0) & (system != 0), "an object, and one of the Solar System"),
    ):
        if wrong.any():
            raise AlertError(
                f"{int(wrong.sum())} sources have {what}, the first of them {ids[wrong][0]}.",
                code=code,
                hint="Associate each source with exactly one.",
            )
    return objects


def _objects(
    schema: AlertSchema, objects: Any, parents: NDArray[np.int64]
) -> Mapping[int, memoryview]:
    """Return the encoded objects of the sources."""
    wanted = np.unique(parents[parents != 0])
    if not len(wanted):
        return {}
    there = columns.integers(objects, "diaObjectId") if columns.length(objects) else wanted[:0]
    rows = {object_id: row for row, object_id in enumerate(there.tolist())}
    lost = [one for one in wanted.tolist() if one not in rows]
    if lost:
        raise AlertError(
            f"{len(lost)} objects of sources are not in the table of objects, first {lost[0]}.",
            code="missing_object",
            hint="Give the objects that the sources were associated with, new ones too.",
        )
    chosen = np.array([rows[one] for one in wanted.tolist()], dtype=np.int64)
    made = encode(schema.record("diaObject"), objects, chosen)
    return {one: made.row(k) for k, one in enumerate(wanted.tolist())}


def _system(
    schema: AlertSchema,
    ss_sources: Any,
    orbits: Any,
    ids: NDArray[np.int64],
    parents: NDArray[np.int64],
) -> Mapping[int, Pieces]:
    """Return row of the sources -> its Solar System source and orbit, encoded."""
    wanted = np.flatnonzero(parents == 0)
    if not len(wanted):
        return {}
    count = columns.length(ss_sources)
    there = columns.integers(ss_sources, "diaSourceId") if count else wanted[:0]
    rows = {one: row for row, one in enumerate(there.tolist())}
    lost = [one for one in ids[wanted].tolist() if one not in rows]
    if lost:
        raise AlertError(
            f"{len(lost)} Solar System sources are not in their table, first {lost[0]}.",
            code="missing_ss_source",
            hint="Give the SSSources of this image.",
        )
    chosen = np.array([rows[one] for one in ids[wanted].tolist()], dtype=np.int64)
    made = encode(schema.record("ssSource"), ss_sources, chosen)
    which = columns.integers(ss_sources, "ssObjectId")[chosen].tolist()
    known = mpc_orbits(schema, orbits, which)
    return {
        int(k): [_THERE, made.row(n), *([_THERE, known[one]] if one in known else [_NULL])]
        for n, (k, one) in enumerate(zip(wanted, which, strict=True))
    }


def _history(
    schema: AlertSchema, record: str, table: Any, parents: NDArray[np.int64]
) -> _History | None:
    """Return earlier rows of the objects concerned."""
    if not columns.length(table):
        return None
    objects = columns.integers(table, "diaObjectId")
    times = columns.numbers(table, "midpointMjdTai")
    rows = np.flatnonzero(np.isin(objects, parents[parents != 0]))
    ids = columns.integers(table, f"{record}Id")
    rows = rows[np.lexsort((ids[rows], times[rows], objects[rows]))]
    # The same row twice is the same measurement.
    rows = rows[np.append(True, np.diff(ids[rows]) != 0)] if len(rows) else rows
    return _History(encode(schema.record(record), table, rows), objects[rows], times[rows])


def _images(cutouts: Cutouts | None, count: int) -> Sequence[Sequence[bytes | None]]:
    nothing: Sequence[bytes | None] = [None] * count
    if cutouts is None:
        return [nothing] * 3
    images = (cutouts.difference, cutouts.science, cutouts.template)
    if any(len(one) not in (0, count) for one in images):
        raise AlertError(
            f"There are {count} sources and {', '.join(str(len(one)) for one in images)} cutouts.",
            code="unequal_cutouts",
            hint="Cut out each source in each image, or give none.",
        )
    return [one or nothing for one in images]


def _bytes(data: bytes | None) -> Pieces:
    return [_NULL] if data is None else [_THERE, long(len(data)), data]


def _text(text: str | None) -> bytes:
    raw = None if text is None else text.encode()
    return b"".join(_bytes(raw))
