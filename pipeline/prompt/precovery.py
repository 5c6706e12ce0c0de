"""Forced photometry of new objects on the images of the weeks before (DMS-REQ-0287)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from astropy.time import Time

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.prompt import store as db
from skyassay.pipeline.prompt.database import PromptDatabase
from skyassay.pipeline.prompt.forced import PRECOVERY, forced_sources
from skyassay.pipeline.prompt.image import ImageInput
from skyassay.pipeline.prompt.region import pixels_within
from skyassay.pipeline.prompt.rows import Rows
from skyassay.pipeline.prompt.statistics import Ints

#: `precoveryWindow` of LSE-61, days.
WINDOW = 30.0


@dataclass(frozen=True)
class EarlierImage:
    """An image that may hold new objects; its pixels are read only if it does.

    Attributes
    ----------
    visit, detector : int
    midpoint : float
        MJD TAI.
    wcs : SkyWcs
    shape : tuple of int
        Rows and columns.
    load : callable
        Returns the difference image and the science image.
    """

    visit: int
    detector: int
    midpoint: float
    wcs: SkyWcs
    shape: tuple[int, int]
    load: Callable[[], tuple[Exposure, Exposure]]


@dataclass(frozen=True)
class Precovered:
    """What precovery has done.

    Attributes
    ----------
    objects : int
        New objects that were looked for.
    images : int
        Images that were looked at.
    table : Table
        A row per image with new objects in it: ``visit``, ``detector``, ``midpointMjdTai``,
        ``nObject`` (in it), ``nStored`` (those it had no flux of before).
    """

    objects: int
    images: int
    table: Table


def precover(
    database: PromptDatabase,
    images: Iterable[EarlierImage],
    begin: float,
    end: float,
    *,
    window: float = WINDOW,
    now: float | None = None,
) -> Precovered:
    """Measure the objects first seen in a night on the images before, and store the fluxes.

    Each image is one transaction. An object that has a flux of an image keeps that: a run that
    was ended anywhere is completed by running it again.

    Parameters
    ----------
    database : PromptDatabase
    images : iterable of EarlierImage
        In any order; those outside the window of every object cost nothing.
    begin, end : float
        The night, MJD TAI.
    window : float
        How far before its first source an object is looked for, days.
    now : float, optional
        Time of processing, MJD TAI; the clock's by default.

    Raises
    ------
    PromptError
        ``no_zero_point`` and those of the database.
    """
    objects = db.new_objects(database, begin, end)
    moment = float(Time.now().tai.mjd) if now is None else now
    looked, found = 0, []
    for image in images:
        looked += 1
        mine = objects.take(_wanted(objects, image, window))
        if len(mine):
            stored = _measure(database, image, mine, moment)
            found.append((image.visit, image.detector, image.midpoint, len(mine), stored))
    names = ("visit", "detector", "midpointMjdTai", "nObject", "nStored")
    types = ("i8", "i4", "f8", "i8", "i8")
    return Precovered(len(objects), looked, Table(rows=found or None, names=names, dtype=types))


def _wanted(objects: Rows, image: EarlierImage, window: float) -> Ints:
    """Return which objects are in an image of the time before they were seen."""
    first = objects.numbers("firstDiaSourceMjdTai")
    early = np.flatnonzero((image.midpoint < first) & (image.midpoint >= first - window))
    ra, dec = (objects.numbers(name)[early] for name in ("ra", "dec"))
    return np.asarray(early[pixels_within(image.wcs, image.shape, ra, dec)[2]])


def _measure(database: PromptDatabase, image: EarlierImage, objects: Rows, now: float) -> int:
    """Store the fluxes of an image that it has not yet; return how many."""
    there, numbers = db.forced_ids(database, image.visit, image.detector)
    lacking = objects.take(~np.isin(objects.ids("diaObjectId"), there))
    if not len(lacking):
        return 0
    difference, science = image.load()
    whole = ImageInput(image.visit, image.detector, Table(), Table(), difference, science)
    start = max(PRECOVERY, int(numbers.max(initial=0)) + 1)
    forced = forced_sources(whole, lacking, start)
    forced = forced.with_({"timeProcessedMjdTai": np.full(len(forced), now)})
    db.store_forced(database, now, forced)
    return len(forced)
