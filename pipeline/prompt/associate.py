"""Association of one image's sources, from the images to the prompt database and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from astropy.time import Time
from numpy.typing import NDArray

from skyassay.pipeline.prompt import store as db
from skyassay.pipeline.prompt.database import PromptDatabase
from skyassay.pipeline.prompt.errors import PromptError
from skyassay.pipeline.prompt.forced import forced_sources
from skyassay.pipeline.prompt.image import ImageInput
from skyassay.pipeline.prompt.matching import Ints, Positions, candidates, match
from skyassay.pipeline.prompt.objects import placed_objects, with_light_curves
from skyassay.pipeline.prompt.options import Options
from skyassay.pipeline.prompt.region import footprint, pixels_within
from skyassay.pipeline.prompt.rows import Rows, joined
from skyassay.pipeline.prompt.solar import match_solar, ss_source_table

#: Earlier sources and forced fluxes.
History = tuple[Rows, Rows]


@dataclass(frozen=True)
class Associated:
    """What the prompt database holds of one image, and of what it saw before.

    Attributes
    ----------
    sources, objects, forced : Rows
        DIASources with the ids of their objects, the objects' versions of this image, forced
        sources; types of the APDB (`columns` says how nulls are written).
    ss_sources : Table
        Product `ss_source`.
    past_sources, past_forced : Rows
        History of the objects: 12 months, earlier than this image.
    processed : float
        MJD TAI, once for the image.
    counts : dict
        Numbers for the task's metadata.
    """

    sources: Rows
    objects: Rows
    forced: Rows
    ss_sources: Table
    past_sources: Rows
    past_forced: Rows
    processed: float
    counts: dict[str, int]


def associate_image(
    database: PromptDatabase,
    image: ImageInput,
    options: Options | None = None,
    now: float | None = None,
) -> Associated:
    """Associate the sources of an image, store them, and return what is stored.

    An image that the database holds already is not stored again: what it holds is returned,
    which is the same to the last bit.

    Parameters
    ----------
    database : PromptDatabase
    image : ImageInput
        Images of one place must come in the order of time.
    options : Options, optional
    now : float, optional
        Time of processing, MJD TAI; the clock's by default.

    Raises
    ------
    PromptError
        ``out_of_order`` where a later image was stored before and this is refused;
        ``no_wcs``, ``no_zero_point``, ``incomplete_header``, ``missing_column``, and those of the
        database.
    """
    chosen = options or Options()
    moment = float(Time.now().tai.mjd) if now is None else now
    if db.contains(database, image.visit, image.detector):
        return _recalled(database, image, moment, None, {"storedBefore": 1})
    past, counts = _store(database, image, chosen, moment)
    return _recalled(database, image, moment, past, {"storedBefore": 0, **counts})


def _store(
    database: PromptDatabase, image: ImageInput, options: Options, now: float
) -> tuple[History, dict[str, int]]:
    """Associate and store; return what was known before, and numbers."""
    known = _known(database, image, options)
    later = _later(known, image, options)
    # Two versions of an object must not begin at the same time, whatever the clock says.
    started = known.numbers("validityStartMjdTai")
    processed = max(now, float(np.nextafter(started.max(), np.inf)) if len(started) else now)
    usable, dropped = _usable(image, processed)
    sources = usable.with_(_identified(usable, image, known, options))
    mine = sources.take(sources.ids("diaObjectId") != 0)
    past, past_forced = history = _histories(database, image, mine, None)
    placed = placed_objects(known, past, mine)
    forced = forced_sources(
        image,
        _to_measure(database, known, placed, image),
        seen=placed.ids("diaObjectId"),
    )
    forced = forced.with_({"timeProcessedMjdTai": np.full(len(forced), processed)})
    own = forced.take(np.isin(forced.ids("diaObjectId"), placed.ids("diaObjectId")))
    objects = with_light_curves(placed, [past, mine], [past_forced, own])
    db.store(database, processed, objects, sources, forced)
    return history, {"laterObjects": later, "sourcesWithoutPosition": dropped}


def _known(database: PromptDatabase, image: ImageInput, options: Options) -> Rows:
    """Return the objects in and around the image."""
    shape = image.difference.shape
    found = db.objects_near(database, footprint(image.wcs, shape, options.pad))
    ra, dec = found.numbers("ra"), found.numbers("dec")
    return found.take(pixels_within(image.wcs, shape, ra, dec, options.pad)[2])


def _later(known: Rows, image: ImageInput, options: Options) -> int:
    """Return how many objects were seen by a later image that was stored before this one."""
    later = int(np.count_nonzero(known.numbers("lastDiaSourceMjdTai") > image.midpoint))
    if later and options.later == "refuse":
        raise PromptError(
            f"Visit {image.visit}, detector {image.detector} comes after a later image that saw "
            f"{later} of its objects.",
            code="out_of_order",
            hint="Run images in the order of time, or allow this: it is recorded.",
        )
    return later


def _usable(image: ImageInput, processed: float) -> tuple[Rows, int]:
    """Return the sources that have a place, with what belongs to the whole image."""
    whole = Rows.of(image.sources)
    placed = np.isfinite(whole.numbers("ra")) & np.isfinite(whole.numbers("dec"))
    count = int(np.count_nonzero(placed))
    of_image: dict[str, NDArray[np.generic]] = {
        "visit": np.full(count, image.visit, dtype=np.int64),
        "detector": np.full(count, image.detector, dtype=np.int16),
        "band": np.full(count, image.band),
        "midpointMjdTai": np.full(count, image.midpoint),
        "exposureTime": np.full(count, image.exposure_time, dtype=np.float32),
        "timeProcessedMjdTai": np.full(count, processed),
    }
    return whole.take(placed).with_(of_image), len(whole) - count


def _identified(
    sources: Rows, image: ImageInput, known: Rows, options: Options
) -> dict[str, NDArray[np.generic]]:
    """Return the ids of each source's DIAObject and Solar System object, 0 for none.

    Solar System objects come first. A source near no known object makes a new one, with its
    own id.
    """
    ephemerides = Rows.of(image.ephemerides)
    orbit = match_solar(sources, ephemerides, options)
    solar = orbit >= 0
    ss_ids, ids = (np.zeros(len(sources), dtype=np.int64) for _ in range(2))
    ss_ids[solar] = ephemerides.ids("ssObjectId")[orbit[solar]]
    rest = np.flatnonzero(~solar)
    at, places = Positions.of(sources.take(rest)), Positions.of(known)
    target = match(candidates(at, places, options.radius, options.floor), len(rest), len(known))
    old = target >= 0
    ids[rest[old]] = known.ids("diaObjectId")[target[old]]
    new = _founders(sources, rest[~old], options)
    ids[new] = sources.ids("diaSourceId")[new]
    return {"diaObjectId": ids, "ssObjectId": ss_ids}


def _founders(sources: Rows, alone: Ints, options: Options) -> Ints:
    """Return which of the sources without an object make a new one."""
    if options.min_reliability is None:
        return alone
    with np.errstate(invalid="ignore"):
        likely = sources.numbers("reliability")[alone] >= options.min_reliability
    return alone[likely]


def _histories(
    database: PromptDatabase, image: ImageInput, sources: Rows, before: float | None
) -> History:
    """Return what was stored of the sources' objects: sources and forced fluxes."""
    ids = np.unique(sources.ids("diaObjectId"))
    ids, moment = ids[ids != 0], image.midpoint
    return (
        db.history(database, "DiaSource", ids, moment, before),
        db.history(database, "DiaForcedSource", ids, moment, before),
    )


def _to_measure(database: PromptDatabase, known: Rows, placed: Rows, image: ImageInput) -> Rows:
    """Return the objects to measure: those seen now, at their new places, and in 12 months.

    Those that precovery has measured on this image before it was associated are not measured
    again.
    """
    done, _ = db.forced_ids(database, image.visit, image.detector)
    recent = known.numbers("lastDiaSourceMjdTai") >= image.midpoint - db.HISTORY
    others = known.take(recent & ~np.isin(known.ids("diaObjectId"), placed.ids("diaObjectId")))
    names = ("diaObjectId", "ra", "dec")
    every = Rows({name: joined([others, placed], name) for name in names})
    return every.take(~np.isin(every.ids("diaObjectId"), done)) if len(done) else every


def _recalled(
    database: PromptDatabase,
    image: ImageInput,
    now: float,
    past: History | None,
    counts: dict[str, int],
) -> Associated:
    """Return what the database holds of an image; `past` is what was there before, if known."""
    found = db.recall(database, image.visit, image.detector)
    processed = now if found.processed is None else found.processed
    before = past or _histories(database, image, found.sources, processed)
    # An alert tells what was before its image, also where a later image was stored first.
    sources, forced = (t.take(t.numbers("midpointMjdTai") < image.midpoint) for t in before)
    return Associated(
        found.sources,
        found.objects,
        found.forced,
        ss_source_table(found.sources, Rows.of(image.ephemerides)),
        sources,
        forced,
        processed,
        counts | _counted(found),
    )


def _counted(found: db.Stored) -> dict[str, int]:
    """Return numbers of an image for its metadata."""
    ids, own = found.sources.ids("diaObjectId"), found.sources.ids("diaSourceId")
    return {
        "sources": len(found.sources),
        "solarSystem": int(np.count_nonzero(found.sources.ids("ssObjectId"))),
        "newObjects": int(np.count_nonzero(ids == own)),
        "associated": int(np.count_nonzero((ids != 0) & (ids != own))),
        "forced": len(found.forced),
    }
