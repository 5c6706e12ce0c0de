"""Precovery of a night in a repository: a job of the day after (DMS-REQ-0287)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.pipeline.prompt import store as db
from skyassay.pipeline.prompt.database import open_database
from skyassay.pipeline.prompt.precovery import WINDOW, EarlierImage, Precovered, precover
from skyassay.pipeline.prompt.rows import Rows

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

    from skyassay.pipeline.images.exposure import Exposure

_DIFFERENCE, _SCIENCE = "difference_image", "preliminary_visit_image"


def precover_night(
    repo: str | Path,
    apdb: str | Path,
    collections: str | Sequence[str],
    begin: float,
    end: float,
    *,
    window: float = WINDOW,
    now: float | None = None,
) -> Precovered:
    """Measure the objects that a night has found on the difference images of the weeks before.

    Parameters
    ----------
    repo : path-like
        Butler repository.
    apdb : path-like
        Configuration file of the prompt database.
    collections : str or sequence of str
        Where the difference images and their science images are.
    begin, end : float
        The night, MJD TAI; images of it taken before an object's first source count too.
    window : float
        Days before an object's first source.
    now : float, optional
        Time of processing, MJD TAI; the clock's by default.

    Returns
    -------
    Precovered
        Images that look elsewhere are not counted in ``images``.

    Raises
    ------
    PromptError
        As `open_database` and `precover`.
    """
    from lsst.daf.butler import Butler

    database = open_database(apdb)
    objects = db.new_objects(database, begin, end)
    with Butler.from_config(str(repo), collections=collections) as butler:
        images = _images(butler, _vectors(objects), begin - window, end)
        return precover(database, images, begin, end, window=window, now=now)


def _vectors(objects: Rows) -> list[Any]:
    """Return the directions of objects."""
    from lsst.sphgeom import LonLat, UnitVector3d

    ra, dec = objects.numbers("ra").tolist(), objects.numbers("dec").tolist()
    return [UnitVector3d(LonLat.fromDegrees(*p)) for p in zip(ra, dec, strict=True)]


def _images(
    butler: Butler, places: Sequence[Any], begin: float, end: float
) -> Iterator[EarlierImage]:
    """Yield the difference images of a time that look at one of the places, in order of time."""
    if not places:
        return
    refs = butler.query_datasets(
        _DIFFERENCE, explain=False, with_dimension_records=True, limit=None
    )
    timed = sorted((_middle(ref), ref.dataId["detector"], ref) for ref in refs)
    for middle, _, ref in timed:
        # The registry knows where an image looks, with a margin, and costs no file.
        region = ref.dataId.region
        if begin <= middle < end and any(region.contains(place) for place in places):
            yield _opened(butler, ref)


def _middle(ref: DatasetRef) -> float:
    """Return the middle of an exposure, MJD TAI."""
    span = ref.dataId.records["visit"].timespan
    return 0.5 * float(span.begin.tai.mjd + span.end.tai.mjd)


def _opened(butler: Butler, ref: DatasetRef) -> EarlierImage:
    """Return an image whose pixels are not read yet."""
    where = ref.dataId
    box = butler.get(f"{_DIFFERENCE}.bbox", where)
    info = butler.get(f"{_SCIENCE}.visitInfo", where)

    def load() -> tuple[Exposure, Exposure]:
        return butler.get(_DIFFERENCE, where), butler.get(_SCIENCE, where)

    return EarlierImage(
        int(where["visit"]),
        int(where["detector"]),
        float(info["expMidptMJD"]),
        butler.get(f"{_SCIENCE}.wcs", where),
        (int(box["y1"]), int(box["x1"])),
        load,
    )
