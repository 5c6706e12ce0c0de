"""A night in a repository: what the clock needs from it, and where its tables go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astropy.table import Table

from skyassay.pipeline.clock.errors import ClockError
from skyassay.pipeline.clock.night import Visit, packets_of
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.clock.tables import NightTables, night_tables
from skyassay.pipeline.distribution.deliveries import Deliveries
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.repository.names import PROMPT

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

PACKETS, SUMMARY, PARAMETERS = "alert_packets", "quantum_summary", "clock_parameters"


@dataclass(frozen=True)
class NightInput:
    """What a repository knows about a night.

    Attributes
    ----------
    summaries : list of Table
        `quantum_summary` of every run of the collection, the newest first.
    visits : list of Visit
        Those that the summaries name, each with all detectors of the camera.
    """

    summaries: list[Table]
    visits: list[Visit]


def read_night(
    butler: Butler, collection: str = PROMPT, *, instrument: str = "SimCam"
) -> NightInput:
    """Return what the clock needs from a repository.

    Raises
    ------
    ClockError
        ``NO_SUMMARY`` where nothing was run into the collection.
    """
    refs = butler.query_datasets(SUMMARY, collections=collection, find_first=False, explain=False)
    # A chain has its newest run first.
    place = {
        run: i for i, run in enumerate(butler.collections.query(collection, flatten_chains=True))
    }
    runs = sorted(
        (r for r in refs if r.dataId["instrument"] == instrument), key=lambda r: place[r.run]
    )
    if not runs:
        raise ClockError(
            f"The collection {collection} has no summary of quanta.",
            code="NO_SUMMARY",
            hint="Process the night first: assay process prompt.",
        )
    summaries = [butler.get(ref) for ref in runs]
    seen = {v for table in summaries for v in table["visit"].tolist() if v is not None}
    return NightInput(summaries, _visits(butler, instrument, seen))


def _visits(butler: Butler, instrument: str, seen: set[int]) -> list[Visit]:
    """Return the visits of these numbers; numbers that are none are frames of lamps."""

    def records(element: str) -> list[Any]:
        return list(butler.query_dimension_records(element, instrument=instrument, explain=False))

    bands = {record.name: record.band for record in records("physical_filter")}
    detectors = tuple(sorted(record.id for record in records("detector")))
    return sorted(
        (
            Visit(
                visit=int(record.id),
                band=str(bands[record.physical_filter]),
                start=float(record.timespan.begin.tai.mjd),
                exposure=float(record.exposure_time),
                detectors=detectors,
            )
            for record in records("visit")
            if record.id in seen
        ),
        key=lambda visit: visit.start,
    )


def images_of(
    butler: Butler, visits: Sequence[Visit], collection: str = PROMPT, *, instrument: str = "SimCam"
) -> Iterator[Image]:
    """Yield the packets of a night in the order of the exposures and detectors."""
    refs = butler.query_datasets(PACKETS, collections=collection, explain=False)
    start = {visit.visit: visit.start for visit in visits}
    mine = [
        ref
        for ref in refs
        if ref.dataId["instrument"] == instrument and ref.dataId["visit"] in start
    ]
    order = sorted(
        mine, key=lambda r: (start[r.dataId["visit"]], r.dataId["visit"], r.dataId["detector"])
    )
    for ref in order:
        yield Image(int(ref.dataId["visit"]), int(ref.dataId["detector"]), bytes(butler.get(ref)))


def time_night(
    butler: Butler,
    deliveries: Deliveries,
    collection: str = PROMPT,
    *,
    parameters: Parameters | None = None,
    instrument: str = "SimCam",
) -> NightTables:
    """Return the tables of a night that a repository and a delivery log tell about.

    Raises
    ------
    ClockError
        ``NO_SUMMARY`` and those of `night_tables`.
    """
    night = read_night(butler, collection, instrument=instrument)
    packets = packets_of(images_of(butler, night.visits, collection, instrument=instrument))
    return night_tables(night.summaries, night.visits, packets, deliveries, parameters)


def put_night(
    butler: Butler,
    run: str,
    tables: NightTables,
    parameters: Parameters,
    others: Mapping[str, Table] | None = None,
    *,
    instrument: str = "SimCam",
) -> None:
    """Write the tables of a night, and what was assumed, as datasets of the instrument.

    Parameters
    ----------
    butler : Butler
        Writeable.
    run : str
        A RUN without them.
    tables : NightTables
    parameters : Parameters
        Becomes `clock_parameters`.
    others : mapping of str to Table
        More, by product: `alert_archive`, `alert_load`.
    instrument : str
    """
    from lsst.daf.butler import DatasetType

    put: dict[str, tuple[str, Any]] = {PARAMETERS: ("StructuredDataDict", parameters.to_dict())}
    for name, table in {**vars(tables), **(others or {})}.items():
        put[name] = ("ArrowAstropy", table)
    butler.collections.register(run)
    with butler.transaction():
        for name, (storage, value) in put.items():
            kind = DatasetType(name, ["instrument"], storage, universe=butler.dimensions)
            butler.registry.registerDatasetType(kind)
            butler.put(value, kind, instrument=instrument, run=run)
