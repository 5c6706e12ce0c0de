"""The end of a night: alerts go out, the clock is read, tables say what became of it all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table
from astropy.units import Unit
from lsst.daf.butler import Butler, CollectionType, DatasetRef
from numpy.typing import NDArray

from skyassay.pipeline.clock.night import Packets, Visit
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.clock.tables import night_tables
from skyassay.pipeline.distribution.archive import Archive
from skyassay.pipeline.distribution.census import alert_archive
from skyassay.pipeline.distribution.distribute import ARCHIVE, LOG, Report, distribute_night
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.log import read_log
from skyassay.pipeline.distribution.sinks import Sink
from skyassay.pipeline.distribution.streams import Stream
from skyassay.pipeline.execution.run import new_run
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.instrument.layouts import NAME
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.prompt.database import default_config, open_database
from skyassay.pipeline.prompt.export import night_tables as night_tables_of
from skyassay.pipeline.prompt.precovery_run import precover_night
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.chains import own_runs
from skyassay.pipeline.repository.create import register_type
from skyassay.pipeline.repository.errors import RepositoryError

PACKETS, SUMMARY = "alert_packets", "quantum_summary"


@dataclass(frozen=True)
class Night:
    """Which night, and where its alerts go.

    Attributes
    ----------
    day : int
        Day of observation, yyyymmdd.
    folder : Path
        Gets delivery log and archive and, without another sink, the streams.
    users : tuple of Stream
        Streams of user filters.
    sink : Sink or None
    clock : Parameters
        Of the modelled clock.
    """

    day: int
    folder: Path
    users: tuple[Stream, ...] = ()
    sink: Sink | None = None
    clock: Parameters = field(default_factory=Parameters)


def send_night(repo: str | Path, night: Night, *, prompt: str = names.PROMPT) -> Report:
    """Send the alerts of a night, and enter the night's tables into the repository.

    A rerun sends what is not acknowledged and enters the tables anew.

    Parameters
    ----------
    repo : path-like
    night : Night
    prompt : str
        Chain of the prompt processing.

    Returns
    -------
    Report
        Of the distribution. The tables are in a new RUN at the head of the chain
        `names.NIGHT`: `night_detector`, `alert_delivery`, `alert_stream`, `alert_archive`,
        ``clock_parameters``, and what the prompt database holds of the night:
        ``dia_source_night``, ``dia_object_night``, ``dia_object_forced_source_night``.

    Raises
    ------
    RepositoryError
        ``no_night`` (exit code 4) where no science frame of the day is there, or ``not_prompt``
        where nothing processed it.
    DistributionError, ClockError, PromptError
    """
    with Butler.from_config(str(repo), writeable=True) as butler:
        visits = _visits(butler, night.day)
        summaries = _summaries(butler, prompt, night.day)
        refs = _refs(butler, PACKETS, prompt, night.day)
        packets: dict[tuple[int, int], Packets] = {}
        report = distribute_night(
            night.folder, _images(butler, refs, packets), users=night.users, sink=night.sink
        )
        made = night_tables(summaries, visits, packets, read_log(night.folder / LOG), night.clock)
        archive = Archive(night.folder / ARCHIVE)
        try:
            kept = alert_archive(night.folder / LOG, archive)
        finally:
            archive.close()
        tables: dict[str, Any] = {**vars(made), "alert_archive": kept}
        tables |= _stored(repo, prompt, night.day, visits)
        _enter(butler, tables, night.clock, prompt)
    return report


def _stored(repo: str | Path, prompt: str, day: int, visits: Sequence[Visit]) -> dict[str, Table]:
    """Return what the prompt database holds of the night, new objects measured back in time.

    Nothing where the repository has no prompt database: nothing was associated.
    """
    config = default_config(repo)
    if not config.exists():
        return {}
    begin = min(v.start for v in visits)
    end = max(v.start + v.exposure / 86_400.0 for v in visits)
    precover_night(repo, config, prompt, begin, end)
    found = night_tables_of(open_database(config), day)
    return {
        "dia_source_night": found.sources,
        "dia_object_night": found.objects,
        "dia_object_forced_source_night": found.forced,
    }


def _visits(butler: Butler, day: int) -> list[Visit]:
    """Return the visits of a night with every science detector of the camera."""
    detectors = tuple(
        sorted(
            int(r.id)
            for r in butler.query_dimension_records("detector", explain=False, instrument=NAME)
            if r.purpose == "SCIENCE"
        )
    )
    records = butler.query_dimension_records(
        "exposure",
        where=f"day_obs = {day} AND exposure.observation_type = 'science'",
        explain=False,
        instrument=NAME,
        limit=None,
    )
    if not records:
        raise RepositoryError(
            f"No science frame of the day {day} is in the repository.",
            code="no_night",
            hint="Give the day of observation as yyyymmdd.",
            exit_code=4,
        )
    return [
        Visit(
            int(r.id),
            FILTERS[r.physical_filter],
            float(r.timespan.begin.tai.mjd),
            float(r.exposure_time),
            detectors,
        )
        for r in sorted(records, key=lambda r: int(r.id))
    ]


def _refs(butler: Butler, name: str, chain: str, day: int) -> list[DatasetRef]:
    """Return the datasets of a night in the order of visits and detectors."""
    known = {t.name for t in butler.registry.queryDatasetTypes(name)}
    found = (
        butler.query_datasets(
            name, chain, where=f"day_obs = {day}", explain=False, limit=None, instrument=NAME
        )
        if name in known
        else []
    )
    return sorted(found, key=_key)


def _key(ref: DatasetRef) -> tuple[int, int]:
    return int(ref.dataId["visit"]), int(ref.dataId["detector"])


def _summaries(butler: Butler, chain: str, day: int) -> list[Table]:
    """Return what became of the quanta, run by run, the newest first."""
    runs = own_runs(butler, chain)
    if not runs:
        raise RepositoryError(
            f"Nothing has processed the night {day}: there is no collection {chain}.",
            code="not_prompt",
            hint="First: assay process prompt --repo REPO.",
            exit_code=4,
        )
    return [
        butler.get(ref)
        for run in runs
        for ref in butler.query_datasets(SUMMARY, run, explain=False, instrument=NAME)
    ]


def _images(
    butler: Butler, refs: Sequence[DatasetRef], packets: dict[tuple[int, int], Packets]
) -> Iterator[Image]:
    """Yield the alerts image by image, and note how many each has."""
    for ref in refs:
        image = Image(*_key(ref), butler.get(ref))
        packets[image.visit, image.detector] = Packets(
            np.array(image.ids, dtype=np.int64), np.array(image.sizes, dtype=np.int64)
        )
        yield image


def add_table(repo: str | Path, name: str, columns: Mapping[str, NDArray[Any]]) -> None:
    """Put a table about the night, a product with its units, into the RUN `send_night` made last.

    Raises
    ------
    RepositoryError
        ``no_night`` (exit code 4) where there is none.
    """
    with Butler.from_config(str(repo), writeable=True) as butler:
        runs = own_runs(butler, names.NIGHT)
        if not runs:
            raise RepositoryError(
                "The repository has no night.",
                code="no_night",
                hint="First: assay process alerts.",
                exit_code=4,
            )
        kind = register_type(butler, name, ("instrument",), "ArrowAstropy")
        table = Table(dict(columns))
        for column, described in product(name).columns.items():
            if column in table.colnames and described.unit:
                table[column].unit = Unit(described.unit)
        butler.put(table, kind, instrument=NAME, run=runs[0])


def _enter(butler: Butler, tables: dict[str, Any], clock: Parameters, prompt: str) -> None:
    """Put the tables into a new RUN, and chain it with what it is about."""
    run = new_run(butler, names.NIGHT)
    butler.collections.register(run)
    for name, table in tables.items():
        kind = register_type(butler, name, ("instrument",), "ArrowAstropy")
        butler.put(table, kind, instrument=NAME, run=run)
    kind = register_type(butler, "clock_parameters", ("instrument",), "StructuredDataDict")
    butler.put(clock.to_dict(), kind, instrument=NAME, run=run)
    there = set(butler.collections.query("*"))
    butler.collections.register(names.NIGHT, CollectionType.CHAINED)
    chain = [run, prompt, *(c for c in (names.INJECTED,) if c in there)]
    butler.collections.redefine_chain(names.NIGHT, chain)
