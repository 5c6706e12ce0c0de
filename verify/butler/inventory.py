"""Censuses that the registry itself answers: raws that arrived, calibrations that apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from skyassay.pipeline.products import product
from skyassay.pipeline.products.io import arrow_type
from skyassay.verify.butler.finding import Place

if TYPE_CHECKING:
    from lsst.daf.butler import DimensionRecord, Timespan

RAW = "raw"
#: What only a night's collection has: its visits and detectors.
NIGHT = "night_detector"
#: Calibration products that an image is made with.
KINDS = ("bias", "dark", "flat", "defects", "ptc", "linearizer", "crosstalk")


@dataclass(frozen=True)
class Frame:
    """One detector of one exposure of the sky."""

    exposure: DimensionRecord
    detector: int

    @property
    def row(self) -> dict[str, Any]:
        """Its data id; an exposure is the visit of its number."""
        return {"visit": int(self.exposure.id), "detector": self.detector}


def raw_inventory(place: Place) -> pa.Table | None:
    """Return every science exposure times every science detector, and whether its raw is there.

    None where the repository keeps no raw frames in the collection or beside it: catalogs
    without their raws have not lost them.
    """
    if RAW not in place.registered:
        return None
    where = [
        place.collection,
        *(f"{name}/raw/all" for name in place.instruments if place.has(f"{name}/raw/all")),
    ]
    there = {
        (ref.dataId["instrument"], ref.dataId["exposure"], ref.dataId["detector"])
        for ref in place.refs(RAW, where)
    }
    if not there:
        return None
    bands = _bands(place)
    rows = [
        f.row
        | {
            "band": bands.get(f.exposure.physical_filter),
            "ingested": (f.exposure.instrument, f.exposure.id, f.detector) in there,
        }
        for f in _frames(place)
    ]
    return _table("raw_inventory", rows)


def calibration_inventory(place: Place) -> pa.Table | None:
    """Return, per science frame and kind, whether a calibration product is valid for it.

    None where there is no calibration collection in the collection or beside it.
    """
    from lsst.daf.butler import CollectionType

    registry = place.butler.registry
    start = [
        place.collection,
        *(f"{name}/calib" for name in place.instruments if place.has(f"{name}/calib")),
    ]
    infos = place.butler.collections.query_info(start, flatten_chains=True)
    where = [i.name for i in infos if i.type is CollectionType.CALIBRATION]
    if not where:
        return None
    frames, rows = list(_frames(place)), []
    for kind in KINDS:
        known: dict[tuple[Any, ...], list[Timespan]] = {}
        associations = (
            registry.queryDatasetAssociations(
                kind, where, collectionTypes={CollectionType.CALIBRATION}
            )
            if kind in place.registered
            else ()
        )
        for found in associations:
            data_id = found.ref.dataId.required
            known.setdefault(tuple(sorted(data_id.items())), []).append(found.timespan)
        rows += [_valid(f, kind, known) for f in frames]
    return _table("calibration_inventory", rows)


def _valid(
    frame: Frame, kind: str, known: Mapping[tuple[Any, ...], Sequence[Timespan]]
) -> dict[str, Any]:
    """Return the row of one frame and one kind."""
    here: dict[str, Any] = {"instrument": frame.exposure.instrument, "detector": frame.detector}
    filtered = here | {"physical_filter": frame.exposure.physical_filter}
    spans = [
        span
        for data_id in (here, filtered)
        for span in known.get(tuple(sorted(data_id.items())), ())
        if span.contains(frame.exposure.timespan)
    ]
    row = frame.row | {"kind": kind, "found": bool(spans), "begin": None, "end": None}
    if spans:
        row |= {"begin": _mjd(spans[0].begin), "end": _mjd(spans[0].end)}
    return row


def _mjd(time: Any) -> float | None:
    """Return a time as MJD TAI; None where a validity is without bound."""
    return None if time is None else float(time.tai.mjd)


def _frames(place: Place) -> Iterator[Frame]:
    """Yield the science frames that there should be: of a night's collection, that night's."""
    butler = place.butler
    exposures = list(butler.query_dimension_records("exposure", explain=False, limit=None))
    days = _days(place, exposures)
    detectors: dict[str, list[int]] = {}
    for record in butler.query_dimension_records("detector", explain=False, limit=None):
        if (record.purpose or "SCIENCE") == "SCIENCE":
            detectors.setdefault(record.instrument, []).append(int(record.id))
    for exposure in exposures:
        mine = days is None or exposure.day_obs in days
        if exposure.observation_type == "science" and mine:
            for detector in detectors.get(exposure.instrument, []):
                yield Frame(exposure, detector)


def _days(place: Place, exposures: Sequence[DimensionRecord]) -> set[int] | None:
    """Return the days of observation that a night's collection is about; None for any other.

    A night has not lost the frames of the nights before it. All of its own day count, also
    exposures that nothing has processed.
    """
    if NIGHT not in place.registered:
        return None
    tables = [place.butler.get(ref) for ref in place.refs(NIGHT, [place.collection])]
    visits = {int(visit) for table in tables for visit in table["visit"]}
    if not visits:
        return None
    return {int(record.day_obs) for record in exposures if int(record.id) in visits}


def _bands(place: Place) -> dict[str, str]:
    """Return the band of each filter."""
    records = place.butler.query_dimension_records("physical_filter", explain=False)
    return {str(r.name): str(r.band) for r in records}


def _table(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Return rows as a table with the product's types and units."""
    fields = [
        pa.field(c.name, arrow_type(c.dtype), metadata={"unit": c.unit} if c.unit else None)
        for c in product(name).columns.values()
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
