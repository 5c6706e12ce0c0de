"""Makes and opens repositories."""

from __future__ import annotations

from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, Config, DatasetType

from skyassay.pipeline.images.storage import CONFIG
from skyassay.pipeline.instrument.simcam import SimCam
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.errors import RepositoryError


def is_repository(root: str | Path) -> bool:
    """Return whether a folder holds a Butler repository."""
    return (Path(root) / "butler.yaml").is_file()


def create(root: str | Path, layout: str) -> Butler:
    """Make a repository for SimCam, or open the one that is there.

    Parameters
    ----------
    root : path-like
    layout : str
        Of the camera.

    Raises
    ------
    RepositoryError
        ``not_a_repository`` where the folder holds something else, ``other_layout`` where the
        repository was made for another camera.
    """
    path = Path(root)
    if not is_repository(path):
        if path.exists() and any(path.iterdir()):
            raise RepositoryError(
                f"{path.name} holds files, but no Butler repository.",
                code="not_a_repository",
                hint="Name a folder that is empty or does not exist yet.",
                exit_code=4,
            )
        Butler.makeRepo(str(path), config=Config(CONFIG))
    butler = Butler.from_config(str(path), writeable=True)
    _same_layout(butler, layout)
    SimCam(layout=layout).register(butler.registry)
    _collections(butler)
    return butler


def _same_layout(butler: Butler, layout: str) -> None:
    """Refuse a second layout: its detectors would share their numbers with the first."""
    there = {
        record.full_name
        for record in butler.query_dimension_records("detector", explain=False)
        if record.instrument == SimCam.name
    }
    mine = {d.name for d in SimCam(layout=layout).camera.detectors}
    if there and there != mine:
        raise RepositoryError(
            f"The repository was made for another camera than layout {layout!r}.",
            code="other_layout",
            hint="Use a repository of its own for each layout.",
            exit_code=4,
        )


def _collections(butler: Butler) -> None:
    """Register our collections and the chain of those a pipeline starts from."""
    for run in (names.RAW, names.REFERENCES, names.SKYMAPS, names.TRUTH):
        butler.collections.register(run, CollectionType.RUN)
    butler.collections.register(names.CALIB, CollectionType.CALIBRATION)
    butler.collections.register(names.DEFAULTS, CollectionType.CHAINED)
    butler.collections.redefine_chain(
        names.DEFAULTS, [names.RAW, names.CALIB, names.REFERENCES, names.SKYMAPS]
    )


def register_type(
    butler: Butler,
    name: str,
    dimensions: tuple[str, ...],
    storage: str,
    *,
    calibration: bool = False,
) -> DatasetType:
    """Register a dataset type (again is fine) and return it."""
    found = DatasetType(
        name, dimensions, storage, universe=butler.dimensions, isCalibration=calibration
    )
    butler.registry.registerDatasetType(found)
    return found
