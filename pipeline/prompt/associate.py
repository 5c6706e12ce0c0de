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
from skyassay.pipeline.prompt.solar import match_solar, ss_source_table


@dataclass(frozen=True)
class Associated:
    """What the prompt database holds of one image, and of what it saw before.

    Attributes
    ----------
    sources, objects, forced : Table
        DIASources with the ids of their objects, the objects' versions of this image, forced
        sources; types of the APDB (`columns` says how nulls are written).
    ss_sources : Table
        Product `ss_source`.
    past_sources, past_forced : Table
        History of the objects: 12 months, earlier than this image.
    processed : float
        MJD TAI, once for the image.
    counts : dict
        Numbers for the task's metadata.
    """

    sources: Table
    objects: Table
    forced: Table
    ss_sources: Table
    past_sources: Table
    past_forced: Table
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
    counts = {"storedBefore": int(db.contains(database, image.visit, image.detector))}
    moment = float(Time.now().tai.mjd) if now is None else now
    if not counts["storedBefore"]:
        counts |= _store(database, image, chosen, moment)
    return _recalled(database, image, moment, counts)


def _store(
    database: PromptDatabase, image: ImageInput, options: Options, now: float
) -> dict[str, int]:
    """Associate and store; return numbers of it."""
    known = _known(database, image, options)
    later = int(np.count_nonzero(np.asarray(known["lastDiaSourceMjdTai"]) > image.midpoint))
    if later and options.later == "refuse":
        raise PromptError(
            f"Visit {image.visit}, detector {image.detector} comes after a later image that saw "
            f"{later} of its objects.",
            code="out_of_order",
            hint="Run images in the order of time, or allow this: it is recorded.",
        )
    # Two versions of an object must not begin at the same time, whatever the clock says.
    started = np.asarray(known["validityStartMjdTai"])
    processed = max(now, float(np.nextafter(started.max(), np.inf)) if len(started) else now)
    sources, dropped = _usable(image, processed)
    sources["diaObjectId"], sources["ssObjectId"] = _identified(sources, image, known, options)
    mine = sources[sources["diaObjectId"] != 0]
    past, past_forced = _histories(database, image, mine, None)
    placed = placed_objects(known, past, mine)
    forced = forced_sources(image, _to_measure(known, placed, image))
    forced["timeProcessedMjdTai"] = np.full(len(forced), processed)
    own = forced[np.isin(forced["diaObjectId"], placed["diaObjectId"])]
    objects = with_light_curves(placed, [past, mine], [past_forced, own])
    db.store(database, processed, objects, sources, forced)
    return {"laterObjects": later, "sourcesWithoutPosition": dropped}


def _known(database: PromptDatabase, image: ImageInput, options: Options) -> Table:
    """Return the objects in and around the image."""
    shape = image.difference.shape
    found = db.objects_near(database, footprint(image.wcs, shape, options.pad))
    _, _, near = pixels_within(image.wcs, shape, found["ra"], found["dec"], options.pad)
    return found[near]


def _usable(image: ImageInput, processed: float) -> tuple[Table, int]:
    """Return the sources that have a place, with what belongs to the whole image."""
    whole = image.sources
    placed = np.isfinite(np.asarray(whole["ra"])) & np.isfinite(np.asarray(whole["dec"]))
    sources = whole[placed]
    count = len(sources)
    whole_image: dict[str, NDArray[np.generic]] = {
        "visit": np.full(count, image.visit, dtype=np.int64),
        "detector": np.full(count, image.detector, dtype=np.int16),
        "band": np.full(count, image.band),
        "midpointMjdTai": np.full(count, image.midpoint),
        "exposureTime": np.full(count, image.exposure_time, dtype=np.float32),
        "timeProcessedMjdTai": np.full(count, processed),
    }
    for name, values in whole_image.items():
        sources[name] = values
    return sources, int(np.count_nonzero(~placed))


def _identified(
    sources: Table, image: ImageInput, known: Table, options: Options
) -> tuple[Ints, Ints]:
    """Return the ids of each source's DIAObject and Solar System object, 0 for none.

    Solar System objects come first. A source near no known object makes a new one, with its
    own id.
    """
    orbit = match_solar(sources, image.ephemerides, options)
    solar = orbit >= 0
    ss_ids, ids = (np.zeros(len(sources), dtype=np.int64) for _ in range(2))
    if solar.any():
        ss_ids[solar] = np.asarray(image.ephemerides["ssObjectId"])[orbit[solar]]
    rest = np.flatnonzero(~solar)
    pairs = candidates(
        Positions.of(sources[rest]), Positions.of(known), options.radius, options.floor
    )
    target = match(pairs, len(rest), len(known))
    old = target >= 0
    ids[rest[old]] = np.asarray(known["diaObjectId"])[target[old]]
    new = rest[~old]
    if options.min_reliability is not None:
        with np.errstate(invalid="ignore"):
            new = new[np.asarray(sources["reliability"])[new] >= options.min_reliability]
    ids[new] = np.asarray(sources["diaSourceId"])[new]
    return ids, ss_ids


def _histories(
    database: PromptDatabase, image: ImageInput, sources: Table, before: float | None
) -> tuple[Table, Table]:
    """Return what was stored of the sources' objects."""
    ids = np.unique(np.asarray(sources["diaObjectId"]))
    past, forced = (
        db.history(database, kind, ids[ids != 0], image.midpoint, before)
        for kind in ("DiaSource", "DiaForcedSource")
    )
    return past, forced


def _to_measure(known: Table, placed: Table, image: ImageInput) -> Table:
    """Return the objects to measure: those seen now, at their new places, and in 12 months."""
    recent = np.asarray(known["lastDiaSourceMjdTai"]) >= image.midpoint - db.HISTORY
    others = known[recent & ~np.isin(known["diaObjectId"], placed["diaObjectId"])]
    names = ("diaObjectId", "ra", "dec")
    return Table({n: np.concatenate([np.asarray(t[n]) for t in (others, placed)]) for n in names})


def _recalled(
    database: PromptDatabase, image: ImageInput, now: float, counts: dict[str, int]
) -> Associated:
    """Return what the database holds of an image."""
    found = db.recall(database, image.visit, image.detector)
    processed = now if found.processed is None else found.processed
    past, past_forced = _histories(database, image, found.sources, processed)
    past, past_forced = (
        t[np.asarray(t["midpointMjdTai"]) < image.midpoint] for t in (past, past_forced)
    )
    ids = np.asarray(found.sources["diaObjectId"])
    counts |= {
        "sources": len(found.sources),
        "solarSystem": int(np.count_nonzero(found.sources["ssObjectId"])),
        "newObjects": int(np.count_nonzero((ids != 0) & (ids == found.sources["diaSourceId"]))),
        "associated": int(np.count_nonzero((ids != 0) & (ids != found.sources["diaSourceId"]))),
        "forced": len(found.forced),
    }
    return Associated(
        found.sources,
        found.objects,
        found.forced,
        ss_source_table(found.sources, image.ephemerides),
        past,
        past_forced,
        processed,
        counts,
    )
