"""Enters a folder of raw frames, reference stars and truth into a repository."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lsst.daf.butler import Butler, DatasetRef, FileDataset

from skyassay.pipeline.images.formatter import RawFormatter
from skyassay.pipeline.instrument.errors import InstrumentError
from skyassay.pipeline.instrument.layouts import NAME, camera
from skyassay.pipeline.instrument.raw import read_header
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import create, register_type
from skyassay.pipeline.repository.errors import RepositoryError
from skyassay.pipeline.repository.exposures import register_exposure
from skyassay.pipeline.repository.headers import RawFile, checked
from skyassay.pipeline.repository.orbits import ingest_orbits
from skyassay.pipeline.repository.references import ingest_references
from skyassay.pipeline.repository.skymap import SkyMap, register_skymap
from skyassay.pipeline.repository.truth import ingest_truth


@dataclass(frozen=True)
class Refused:
    """A file that was left out, and why."""

    file: str
    code: str
    reason: str


@dataclass(frozen=True)
class Ingested:
    """What was entered.

    Attributes
    ----------
    exposures, raws, known : int
        Exposures seen, raw frames entered now, raw frames that were there already.
    references : int
        Reference stars.
    truth : tuple of str
        Truth products.
    refused : tuple of Refused
    """

    exposures: int
    raws: int
    known: int
    references: int
    truth: tuple[str, ...]
    refused: tuple[Refused, ...]


def ingest(
    root: str | Path,
    directory: str | Path,
    *,
    transfer: str = "direct",
    progress: Callable[[int], None] | None = None,
    raw_run: str = names.RAW,
    truth_run: str = names.TRUTH,
) -> Ingested:
    """Enter what a folder holds; what is there already and the same is left as it is.

    Parameters
    ----------
    root : path-like
        Of the repository; made where there is none.
    directory : path-like
        Holds ``raw/**/*.fits``, and may hold ``reference/``, ``truth/`` and ``orbits/``.
    transfer : str
        As `Butler.ingest` has it: ``direct`` leaves the files where they are.
    progress : callable, optional
        Told the raw frames looked at so far.
    raw_run, truth_run : str
        RUN collections that the raw frames and the truth go to.

    Raises
    ------
    RepositoryError
        ``no_raws`` where no frame has a sound header.
    """
    folder = Path(directory).absolute()
    files, refused = _scan(sorted(folder.glob("raw/**/*.fits")), progress)
    if not files:
        raise RepositoryError(
            f"{folder.name} holds no raw frame with a sound header.",
            code="no_raws",
            hint=refused[0].reason if refused else "Simulate first: assay simulate release.",
            exit_code=3 if refused else 4,
        )
    layout = str(files[0].header["LAYOUT"])
    files, more = _one_layout(files, layout)
    butler = create(root, layout)
    exposures = {f.exposure: f for f in files}
    for file in exposures.values():
        register_exposure(butler, camera(layout), file.header)
    entered, known = _enter(butler, files, transfer, raw_run)
    _skymap(butler, files)
    ingest_orbits(butler, folder / "orbits")
    return Ingested(
        exposures=len(exposures),
        raws=entered,
        known=known,
        references=ingest_references(butler, folder / "reference"),
        truth=ingest_truth(butler, folder / "truth", truth_run),
        refused=(*refused, *more),
    )


def _scan(
    paths: Iterable[Path], progress: Callable[[int], None] | None
) -> tuple[list[RawFile], list[Refused]]:
    """Read the headers; a file with a wrong one is refused by name."""
    files: list[RawFile] = []
    refused: list[Refused] = []
    for number, path in enumerate(paths, start=1):
        try:
            files.append(checked(path, read_header(path)))
        except InstrumentError as error:
            refused.append(Refused(path.name, error.code, str(error)))
        if progress is not None:
            progress(number)
    return files, refused


def _one_layout(files: list[RawFile], layout: str) -> tuple[list[RawFile], list[Refused]]:
    """Divide files by whether they are of this layout and the first of their kind."""
    kept: dict[tuple[int, int], RawFile] = {}
    refused: list[Refused] = []
    for file in files:
        key = (file.exposure, file.detector)
        if file.header["LAYOUT"] != layout:
            why = f"{file.path.name} is of layout {file.header['LAYOUT']}, the others of {layout}."
            refused.append(Refused(file.path.name, "other_layout", why))
        elif key in kept:
            why = f"{file.path.name} is a second frame of what {kept[key].path.name} holds."
            refused.append(Refused(file.path.name, "duplicate_raw", why))
        else:
            kept[key] = file
    return list(kept.values()), refused


def _enter(butler: Butler, files: list[RawFile], transfer: str, run: str) -> tuple[int, int]:
    """Enter raw frames that are not there; return how many were entered and known.

    One that has another size than when it was entered was cut short then, or is now: Butler
    would not read it again, so it is entered anew.
    """
    kind = register_type(butler, "raw", ("instrument", "exposure", "detector"), "SimRaw")
    butler.collections.register(run)
    there = {
        (ref.dataId["exposure"], ref.dataId["detector"]): ref
        for ref in butler.query_datasets("raw", run, explain=False, limit=None)
    }
    sizes = _sizes(butler, there.values())
    found = {(f.exposure, f.detector): f.path for f in files}
    changed = {
        key: ref
        for key, ref in there.items()
        if key in found and sizes.get(ref.id, -1) not in (-1, found[key].stat().st_size)
    }
    if changed:
        # Files outside of the repository stay where they are.
        butler.pruneDatasets(changed.values(), disassociate=True, unstore=True, purge=True)
        there = {key: ref for key, ref in there.items() if key not in changed}
    fresh = [f for f in files if (f.exposure, f.detector) not in there]
    datasets = []
    for file in fresh:
        found = butler.registry.expandDataId(
            instrument=NAME, exposure=file.exposure, detector=file.detector
        )
        ref = DatasetRef(kind, found, run=run)
        datasets.append(FileDataset(str(file.path), ref, formatter=RawFormatter))
    if datasets:
        butler.ingest(*datasets, transfer=transfer)
    return len(fresh), len(files) - len(fresh)


def _sizes(butler: Butler, refs: Iterable[DatasetRef]) -> dict[uuid.UUID, int]:
    """Return the sizes of files when they were entered, bytes; -1 where none was noted."""
    # The only place that has them: there is no public call.
    stored = butler._datastore.export_records(refs)
    return {
        dataset: int(info.file_size)
        for part in stored.values()
        for dataset, tables in part.records.items()
        for some in tables.values()
        for info in some
    }


def _skymap(butler: Butler, files: list[RawFile]) -> None:
    """Enter a tract about each field that was observed."""
    centres: list[tuple[float, float]] = []
    for file in files:
        if not file.on_sky:
            continue
        ra, dec = float(file.header["RA"]), float(file.header["DEC"])
        near = SkyMap(tuple(centres)).near(ra, dec) if centres else False
        if not near:
            # A tenth of a degree: the same field whatever visits come first.
            centres.append((round(ra, 1) % 360.0, round(dec, 1)))
    if centres:
        register_skymap(butler, SkyMap(tuple(centres)))
