"""Decoded packets as rows of the products `alert` and `dia_source`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from skyassay.verify.alerts.packet import Packet
from skyassay.verify.alerts.stamps import examine

Row = dict[str, Any]
_CUTOUTS = ("cutoutDifference", "cutoutScience", "cutoutTemplate")
#: Columns of `alert` that are the same in the DIASource.
_SAME = (
    "visit",
    "detector",
    "band",
    "midpointMjdTai",
    "exposureTime",
    "ra",
    "dec",
    "psfFlux",
    "psfFluxErr",
    "snr",
    "reliability",
)
#: Names of earlier schemas.
_RENAMED = {"is_negative": "isNegative"}


def alert_row(packet: Packet) -> Row:
    """Return a packet as a row of `alert`; what its schema does not know is left out.

    `oldestMjdTai` is over previous and forced sources together. `newestPrvMjdTai` is over the
    previous sources alone: the forced ones have the new visit among them.
    """
    record = packet.record
    source, parent = record["diaSource"], record.get("diaObject")
    system = record.get("ssSource") or record.get("ssObject")
    own = number(source["diaSourceId"])
    row: Row = {"diaSourceId": own, **{n: value(source[n]) for n in _SAME if n in source}}
    row |= processed(source)
    row["diaObjectId"] = source.get("diaObjectId") or (parent or {}).get("diaObjectId") or None
    row["ssObjectId"] = source.get("ssObjectId") or (system or {}).get("ssObjectId") or None
    row |= {"hasDiaObject": parent is not None, "hasSsSource": system is not None}
    row |= _history(record)
    for name in ("nDiaSources", "firstDiaSourceMjdTai"):
        if parent is None or name in parent:
            row[name] = value((parent or {}).get(name))
    return row | _cutouts(record) | {"schemaVersion": packet.version or None, "bytes": packet.size}


def source_rows(packet: Packet, *, previous: bool) -> Iterator[Row]:
    """Yield the newest DIASource of a packet, and its earlier ones if they are wanted."""
    earlier = (packet.record.get("prvDiaSources") or ()) if previous else ()
    for source in (packet.record["diaSource"], *earlier):
        row = {_RENAMED.get(name, name): value(one) for name, one in source.items()}
        yield row | processed(source)


def value(one: Any) -> Any:
    """Return a field; NaN is no value."""
    return None if isinstance(one, float) and math.isnan(one) else one


def number(one: Any) -> int:
    """Return an id; what is none is damage."""
    if not isinstance(one, int) or isinstance(one, bool):
        raise ValueError("an id is no whole number")
    return one


def processed(source: Mapping[str, Any]) -> Row:
    """Return when a source was processed, MJD TAI; schema 8 says it as a UTC time stamp."""
    stamp = source.get("time_processed")
    if isinstance(stamp, datetime):
        return {"timeProcessedMjdTai": _tai(stamp)}
    there = "timeProcessedMjdTai" in source
    return {"timeProcessedMjdTai": value(source["timeProcessedMjdTai"])} if there else {}


@lru_cache(maxsize=4096)
def _tai(stamp: datetime) -> float:
    from astropy.time import Time

    return float(Time(stamp.replace(tzinfo=None), scale="utc").tai.mjd)


def _history(record: Mapping[str, Any]) -> Row:
    """Return how much history there is, and from when."""
    sources: Sequence[Any] = record.get("prvDiaSources") or ()
    forced: Sequence[Any] = record.get("prvDiaForcedSources") or ()
    before = [float(one["midpointMjdTai"]) for one in sources]
    since = min([*before, *(float(one["midpointMjdTai"]) for one in forced)], default=None)
    return {
        "nPrvDiaSources": len(sources),
        "nPrvDiaForcedSources": len(forced),
        "oldestMjdTai": value(since),
        "newestPrvMjdTai": value(max(before, default=None)),
    }


def _cutouts(record: Mapping[str, Any]) -> Row:
    """Return how many cutouts there are, how many can be used, and their longest side."""
    there = [examine(record[name]) for name in _CUTOUTS if record.get(name) is not None]
    return {
        "nCutouts": len(there),
        "nCutoutsSound": sum(stamp.sound for stamp in there),
        "cutoutSide": max((stamp.side for stamp in there), default=0) or None,
    }
