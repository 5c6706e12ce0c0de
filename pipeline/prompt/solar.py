"""Sources that are known Solar System objects, and what their orbits say of them."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.prompt.matching import Floats, Ints, Pairs, Positions, candidates, match
from skyassay.pipeline.prompt.options import Options
from skyassay.pipeline.tables.standardize import conform

#: Radius of the search, errors of a predicted place.
_REACH = 5.0
#: Obliquity of the ecliptic of J2000 (IAU 1976), which the Minor Planet Center's orbits refer to.
_OBLIQUITY = np.radians(84381.448 / 3600.0)
#: From ICRS to galactic coordinates: Hipparcos Catalogue (ESA 1997), vol. 1, eq. 1.5.11.
_GALACTIC = np.array(
    [
        [-0.0548755604, -0.8734370902, -0.4838350155],
        [+0.4941094279, -0.4448296300, +0.7469822445],
        [-0.8676661490, -0.1980763734, +0.4559837762],
    ]
)
#: Columns of the ephemeris that keep their names.
_KEPT = (
    "phaseAngle",
    "elongation",
    "helioRange",
    "helioRangeRate",
    "topoRange",
    "topoRangeRate",
    *(f"{frame}_{axis}" for frame in ("helio", "topo") for axis in ("x", "y", "z")),
    *(f"{frame}_v{axis}" for frame in ("helio", "topo") for axis in ("x", "y", "z")),
)
_DESIGNATION = "designation"


def match_solar(sources: Table, ephemerides: Table, options: Options) -> Ints:
    """Return the row of the ephemeris that each source is of, -1 for none.

    Parameters
    ----------
    sources : Table
        ``ra``, ``dec``, ``raErr``, ``decErr``, degrees. One that is negative is none: no object
        that moves is in a template of many nights.
    ephemerides : Table
        Predicted places: ``ra``, ``dec`` [deg], ``err`` [arcsec, one axis].
    options : Options
    """
    if not len(sources) or not len(ephemerides):
        return np.full(len(sources), -1, dtype=np.int64)
    return match(_near(sources, ephemerides, options), len(sources), len(ephemerides))


def _near(sources: Table, ephemerides: Table, options: Options) -> Pairs:
    """Return sources near predicted places."""
    error = np.asarray(ephemerides["err"], dtype=np.float64)
    radius = np.clip(
        _REACH * np.hypot(error, options.floor), options.ss_radius, options.ss_radius_max
    )
    pairs = candidates(Positions.of(sources), places(ephemerides), radius, options.floor)
    if "isNegative" not in sources.colnames:
        return pairs
    return pairs.take(~np.asarray(sources["isNegative"], dtype=bool)[pairs.source])


def places(ephemerides: Table) -> Positions:
    """Return the predicted places with their errors."""
    ra, dec, error = (np.asarray(ephemerides[n], dtype=np.float64) for n in ("ra", "dec", "err"))
    return Positions(ra, dec, error / 3600.0, error / 3600.0)


def ss_source_table(sources: Table, ephemerides: Table) -> Table:
    """Return `ss_source`: sources of Solar System objects with what is predicted of these.

    Parameters
    ----------
    sources : Table
        With ``diaSourceId`` and ``ssObjectId``; those whose ``ssObjectId`` is 0 are left out.
    ephemerides : Table
        `preloaded_ss_object` of the same image.

    Returns
    -------
    Table
        Columns, types and units of the product `ss_source`. Along the track is positive ahead of
        the predicted place; across it is positive to the left of the motion, seen on the sky
        with north up and east to the left.
    """
    found = sources[np.asarray(sources["ssObjectId"]) != 0]
    row = _rows(np.asarray(found["ssObjectId"]), np.asarray(ephemerides["ssObjectId"]))
    orbit = ephemerides[row]
    place = Positions.of(found)
    table = Table()
    table["diaSourceId"] = np.asarray(found["diaSourceId"], dtype=np.int64)
    table["ssObjectId"] = np.asarray(found["ssObjectId"], dtype=np.int64)
    if _DESIGNATION in orbit.colnames:
        table[_DESIGNATION] = np.asarray(orbit[_DESIGNATION]).astype(str)
    table["eclLambda"], table["eclBeta"] = ecliptic(place.vectors)
    table["galLon"], table["galLat"] = _angles(place.vectors @ _GALACTIC.T)
    for name in _KEPT:
        table[name] = np.asarray(orbit[name], dtype=np.float64)
    for frame in ("helio", "topo"):
        parts = [np.asarray(orbit[f"{frame}_v{axis}"], dtype=np.float64) for axis in "xyz"]
        table[f"{frame}_vtot"] = np.sqrt(sum(p**2 for p in parts))
    for name, values in _residuals(place, orbit).items():
        table[name] = values
    table["diaDistanceRank"] = _distance_rank(sources, found, orbit)
    return conform(table, "ss_source")


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
    """Return the row of each wanted id."""
    order = np.argsort(known, kind="stable")
    return order[np.searchsorted(known[order], wanted)]


def _residuals(place: Positions, orbit: Table) -> dict[str, Floats]:
    """Return predicted places and rates, and where the sources are seen from them, arcsec."""
    ra, dec, east_rate, north_rate = (
        np.asarray(orbit[n], dtype=np.float64) for n in ("ra", "dec", "rate_ra", "rate_dec")
    )
    d_ra = (place.ra - ra + 180.0) % 360.0 - 180.0
    east = d_ra * np.cos(np.radians(0.5 * (place.dec + dec))) * 3600.0
    north = (place.dec - dec) * 3600.0
    rate = np.hypot(east_rate, north_rate)
    ahead = [np.divide(r, rate, out=np.full(len(rate), np.nan), where=rate > 0)
             for r in (east_rate, north_rate)]  # fmt: skip
    return {
        "ephRa": ra,
        "ephDec": dec,
        "ephVmag": np.asarray(orbit["Vmag"], dtype=np.float64),
        "ephRate": rate,
        "ephRateRa": east_rate,
        "ephRateDec": north_rate,
        "ephOffset": np.hypot(east, north),
        "ephOffsetRa": east,
        "ephOffsetDec": north,
        "ephOffsetAlongTrack": east * ahead[0] + north * ahead[1],
        "ephOffsetCrossTrack": east * ahead[1] - north * ahead[0],
    }


def _distance_rank(sources: Table, found: Table, orbit: Table) -> Ints:
    """Return how many sources of the image are nearer to the predicted place, plus one."""
    every = Positions.of(sources).vectors
    predicted, own = places(orbit).vectors, Positions.of(found).vectors
    chord = np.linalg.norm(every[None, :, :] - predicted[:, None, :], axis=-1)
    mine = np.linalg.norm(own - predicted, axis=-1)
    nearer = np.count_nonzero(chord < mine[:, None] - 1e-15, axis=1)
    return np.asarray(nearer + 1, dtype=np.int64)
