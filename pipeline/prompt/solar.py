"""Sources that are known Solar System objects, and what their orbits say of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.prompt.matching import (
    Floats,
    Ints,
    Pairs,
    Positions,
    candidates,
    match,
    offsets,
)
from skyassay.pipeline.prompt.options import Options
from skyassay.pipeline.prompt.rows import Rows
from skyassay.pipeline.tables.standardize import conform

#: Radius of the search, errors of a predicted place.
_REACH = 5.0
#: Obliquity of the ecliptic of J2000 (IAU 1976), which the Minor Planet Center's orbits refer to.
_OBLIQUITY = np.radians(84381.448 / 3600.0)
#: From ICRS to galactic coordinates: Hipparcos Catalogue (ESA 1997), vol. 1, eq. 1.5.11.
_GALACTIC = (
    (-0.0548755604, -0.8734370902, -0.4838350155),
    (+0.4941094279, -0.4448296300, +0.7469822445),
    (-0.8676661490, -0.1980763734, +0.4559837762),
)
_FRAMES = ("helio", "topo")
#: Columns of the ephemeris that keep their names.
_KEPT = (
    "phaseAngle",
    "elongation",
    "helioRange",
    "helioRangeRate",
    "topoRange",
    "topoRangeRate",
    *(f"{frame}_{axis}" for frame in _FRAMES for axis in ("x", "y", "z", "vx", "vy", "vz")),
)


def match_solar(sources: Rows, ephemerides: Rows, options: Options) -> Ints:
    """Return the row of the ephemeris that each source is of, -1 for none.

    Parameters
    ----------
    sources : Rows
        ``ra``, ``dec``, ``raErr``, ``decErr``, degrees. One that is negative is none: no object
        that moves is in a template of many nights.
    ephemerides : Rows
        Predicted places: ``ra``, ``dec`` [deg], ``err`` [arcsec, one axis].
    options : Options
    """
    if not len(sources) or not len(ephemerides):
        return np.full(len(sources), -1, dtype=np.int64)
    return match(_near(sources, ephemerides, options), len(sources), len(ephemerides))


def _near(sources: Rows, ephemerides: Rows, options: Options) -> Pairs:
    """Return sources near predicted places."""
    reach = _REACH * np.hypot(ephemerides.numbers("err"), options.floor)
    radius = np.clip(reach, options.ss_radius, options.ss_radius_max)
    pairs = candidates(Positions.of(sources), places(ephemerides), radius, options.floor)
    return pairs.take(~sources.truths("isNegative")[pairs.source])


def places(ephemerides: Rows) -> Positions:
    """Return the predicted places with their errors."""
    ra, dec, error = (ephemerides.numbers(n) for n in ("ra", "dec", "err"))
    return Positions(ra, dec, error / 3600.0, error / 3600.0)


def ss_source_table(sources: Rows, ephemerides: Rows) -> Table:
    """Return `ss_source`: sources of Solar System objects with what is predicted of these.

    Parameters
    ----------
    sources : Rows
        With ``diaSourceId`` and ``ssObjectId``; those whose ``ssObjectId`` is 0 are left out.
    ephemerides : Rows
        `preloaded_ss_object` of the same image.

    Returns
    -------
    Table
        Columns, types and units of the product `ss_source`. Along the track is positive ahead of
        the predicted place; across it is positive to the left of the motion, seen on the sky
        with north up and east to the left.
    """
    found = sources.take(sources.ids("ssObjectId") != 0)
    return _table(sources, found, ephemerides) if len(found) else _nothing().copy()


@lru_cache(maxsize=1)
def _nothing() -> Table:
    """Return the table of no sources: what most images have; copy it."""
    names = ("diaSourceId", "ssObjectId")
    none = np.empty(0)
    sources = Rows({n: none.astype(np.int64) for n in names}).with_(
        dict.fromkeys(("ra", "dec", "raErr", "decErr"), none)
    )
    columns = ("ra", "dec", "err", "rate_ra", "rate_dec", "Vmag", *_KEPT)
    orbits = {"ssObjectId": none.astype(np.int64), "designation": none.astype(str)}
    return _table(sources, sources, Rows({**orbits, **dict.fromkeys(columns, none)}))


def _table(sources: Rows, found: Rows, ephemerides: Rows) -> Table:
    """Return the table of sources found among all of an image."""
    orbit = ephemerides.take(_rows(found.ids("ssObjectId"), ephemerides.ids("ssObjectId")))
    place = Positions.of(found)
    columns: dict[str, NDArray[np.generic]] = {
        "diaSourceId": found.ids("diaSourceId"),
        "ssObjectId": found.ids("ssObjectId"),
    }
    if "designation" in orbit:
        columns["designation"] = np.asarray(orbit["designation"]).astype(str)
    columns["eclLambda"], columns["eclBeta"] = ecliptic(place.vectors)
    columns["galLon"], columns["galLat"] = _angles(place.vectors @ np.array(_GALACTIC).T)
    columns |= {name: orbit.numbers(name) for name in _KEPT}
    for frame in _FRAMES:
        parts = [orbit.numbers(f"{frame}_v{axis}") for axis in "xyz"]
        columns[f"{frame}_vtot"] = np.sqrt(np.sum(np.square(parts), axis=0))
    columns |= _residuals(place, orbit)
    columns["diaDistanceRank"] = _distance_rank(Positions.of(sources), place, places(orbit))
    return conform(Table(columns), "ss_source")


def ecliptic(vectors: Floats) -> tuple[Floats, Floats]:
    """Return ecliptic longitude and latitude (J2000), degrees, of unit vectors (n, 3)."""
    x, y, z = vectors.T
    c, s = np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)
    return _angles(np.stack([x, c * y + s * z, c * z - s * y], axis=-1))


def _angles(vectors: Floats) -> tuple[Floats, Floats]:
    """Return longitude in [0, 360) and latitude, degrees."""
    x, y, z = vectors.T
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


def _rows(wanted: Ints, known: Ints) -> NDArray[np.intp]:
    """Return the row of each wanted id; all of them are there."""
    order = np.argsort(known, kind="stable")
    return order[np.searchsorted(known[order], wanted)]


def _residuals(place: Positions, orbit: Rows) -> dict[str, Floats]:
    """Return predicted places and rates, and where the sources are seen from them, arcsec."""
    each = np.arange(len(place))
    east, north = offsets(place, places(orbit), each, each)
    rate_ra, rate_dec = orbit.numbers("rate_ra"), orbit.numbers("rate_dec")
    rate = np.hypot(rate_ra, rate_dec)
    # What stands still has no direction.
    speed = np.where(rate > 0, rate, np.nan)
    return {
        "ephRa": orbit.numbers("ra"),
        "ephDec": orbit.numbers("dec"),
        "ephVmag": orbit.numbers("Vmag"),
        "ephRate": rate,
        "ephRateRa": rate_ra,
        "ephRateDec": rate_dec,
        "ephOffset": np.hypot(east, north),
        "ephOffsetRa": east,
        "ephOffsetDec": north,
        "ephOffsetAlongTrack": (east * rate_ra + north * rate_dec) / speed,
        "ephOffsetCrossTrack": (east * rate_dec - north * rate_ra) / speed,
    }


def _distance_rank(every: Positions, own: Positions, predicted: Positions) -> Ints:
    """Return how many sources of the image are nearer to the predicted place, plus one."""
    chords = np.linalg.norm(every.vectors[None, :, :] - predicted.vectors[:, None, :], axis=-1)
    mine = np.linalg.norm(own.vectors - predicted.vectors, axis=-1)
    nearer = np.count_nonzero(chords < mine[:, None] - 1e-15, axis=1)
    return np.asarray(nearer + 1, dtype=np.int64)
