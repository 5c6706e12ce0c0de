"""Orbits drawn so that the objects are within a small field at a given time."""

from __future__ import annotations

from collections.abc import Mapping

import erfa
import numpy as np

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.random import rng
from skyassay.simulator.solar_system.brightness import dimming
from skyassay.simulator.solar_system.families import (
    FAMILIES,
    SHARES,
    Family,
    draw_families,
    draw_shape,
)
from skyassay.simulator.solar_system.observer import KM_PER_AU, ecliptic, look
from skyassay.simulator.solar_system.orbits import GM, Floats, Table, eccentric, elements

_LIGHT = 299792.458 * 86400.0 / KM_PER_AU
#: Rounds of drawing before giving up on a field; and the steepest orbits, deg.
_ROUNDS, _STEEPEST = 400, 75.0
#: Nearest distance from the observer, AU.
_NEAREST = 0.02


def near(
    field: tuple[float, float],
    radius: float,
    mjd_tai: float,
    count: int,
    seed: int,
    *,
    mag: tuple[float, float] = (18.0, 24.5),
    slope: float = 0.25,
    shares: Mapping[str, float] = SHARES,
    site: Site = SITE,
    first_id: int = 1,
    known: float = 1.0,
) -> Table:
    """Return objects that are seen within a field at a time.

    A family and its a, e and place along the orbit are drawn first, then the place in the
    field; the distance at which the line of sight reaches the orbit's distance from the Sun
    follows, and the plane is drawn from the inclinations that pass through that point.

    Parameters
    ----------
    field : tuple of float
        Centre, ra and dec, deg.
    radius : float
        Deg.
    mjd_tai : float
        When they are in the field; also the epoch of the orbits.
    count : int
    seed : int
    mag : tuple of float
        Range of V at that time.
    slope : float
        Numbers grow as 10**(slope V).
    shares : mapping
        Family -> share of what is tried; families that do not pass the field drop out.
    site : Site
    first_id : int
        First ssObjectId.
    known : float
        Share of objects in the catalogue of orbits.

    Returns
    -------
    dict
        Columns of `truth_ss_object`, and ``family``.

    Raises
    ------
    SimulatorError
        ``no_orbit_there`` when hardly any orbit passes the field; ``bad_shares``.
    """
    stream = rng(seed, "solar_system.near", round(mjd_tai * 1000), first_id)
    parts: list[Table] = []
    found = 0
    for _ in range(_ROUNDS):
        if found >= count:
            break
        tried = max(2 * (count - found), 64)
        names = draw_families(stream, tried, shares)
        for name in FAMILIES:
            n = int((names == name).sum())
            if n:
                part = _through(stream, FAMILIES[name], n, field, radius, mjd_tai, site)
                part["family"] = np.full(len(part["q"]), name)
                parts.append(part)
                found += len(part["q"])
    if found < count:
        raise SimulatorError(
            f"Only {found} of {count} orbits pass within {radius} deg of {field}.",
            code="no_orbit_there",
            hint="Take a field nearer to the ecliptic and farther from the Sun, or other shares.",
        )
    return _finish(stream, parts, count, mag, slope, mjd_tai, first_id, known)


def _through(
    stream: np.random.Generator,
    family: Family,
    count: int,
    field: tuple[float, float],
    radius: float,
    mjd: float,
    site: Site,
) -> Table:
    """Return orbits of one family through the field; those that miss it are left out."""
    a, e = draw_shape(stream, family, count)
    angle = eccentric(stream.uniform(-np.pi, np.pi, count), e)
    r = a * (1.0 - e * np.cos(angle))
    sky, turn = radius * np.sqrt(stream.uniform(size=count)), stream.uniform(0, 2 * np.pi, count)
    ra, dec = offset_positions(*field, sky * np.cos(turn), sky * np.sin(turn))
    sight = ecliptic(basis(ra, dec)[0].T)
    seen = look(mjd, site)
    eye = ecliptic((seen.observer - seen.sun)[None, :])[0]
    distance = _reach(stream, eye, sight, r)
    place = eye + distance[:, None] * sight
    latitude = np.arcsin(np.clip(place[:, 2] / r, -1.0, 1.0))
    mode = np.radians(family.incl)
    # Rayleigh, given that the plane reaches the latitude.
    incl = np.sqrt(latitude**2 - 2.0 * mode**2 * np.log(stream.uniform(size=count)))
    good = (distance > _NEAREST) & (incl < np.radians(_STEEPEST))
    if family.trojan:
        good &= _near_trojan_points(place, mjd)
    velocity = _velocity(stream, place, a, e, incl, latitude, np.sign(angle))
    emitted = mjd - distance / _LIGHT
    orbit = elements(place[good], velocity[good], emitted[good])
    away = -place[good] / r[good, None]
    cosine = np.clip((away * -sight[good]).sum(axis=1), -1.0, 1.0)
    lost = dimming(np.arccos(cosine))
    # V at H = 0, taken off by `_finish`.
    orbit["H"] = -(5.0 * np.log10(r[good] * distance[good]) + lost)
    return orbit


def _reach(stream: np.random.Generator, eye: Floats, sight: Floats, r: Floats) -> Floats:
    """Return distances along lines of sight at which r from the Sun is reached; -1: never."""
    along = sight @ eye
    square = along**2 - eye @ eye + r**2
    root = np.sqrt(np.maximum(square, 0.0))
    near_, far = -along - root, -along + root
    first = (near_ > _NEAREST) & (stream.uniform(size=len(r)) < 0.5)
    return np.where(square <= 0, -1.0, np.where(first, near_, far))


def _velocity(
    stream: np.random.Generator,
    place: Floats,
    a: Floats,
    e: Floats,
    incl: Floats,
    latitude: Floats,
    outward: Floats,
) -> Floats:
    """Return velocities of orbits of a, e and inclination at places; outward or inward."""
    r = np.linalg.norm(place, axis=1)
    spin = np.sqrt(GM * a * (1.0 - e * e))
    across = spin / r
    radial = np.sqrt(np.maximum(GM * (2.0 / r - 1.0 / a) - across**2, 0.0)) * outward
    up = place / r[:, None]
    east = np.stack([-place[:, 1], place[:, 0], 0.0 * r], axis=1)
    east /= np.linalg.norm(east, axis=1)[:, None]
    north = np.cross(up, east)
    sine = np.clip(np.cos(incl) / np.cos(latitude), -1.0, 1.0)
    cosine = np.sqrt(1.0 - sine**2) * np.where(stream.uniform(size=len(r)) < 0.5, 1.0, -1.0)
    flat = sine[:, None] * east + cosine[:, None] * north
    return np.asarray(radial[:, None] * up + across[:, None] * flat)


def _near_trojan_points(place: Floats, mjd: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which places are within 25 degrees of longitude of a point 60 from Jupiter."""
    jupiter = ecliptic(erfa.plan94(2400000.5, mjd, 5)["p"][None, :])[0]
    apart = np.degrees(np.arctan2(place[:, 1], place[:, 0]) - np.arctan2(jupiter[1], jupiter[0]))
    return np.asarray(np.abs(np.abs((apart + 180.0) % 360.0 - 180.0) - 60.0) < 25.0)


def _finish(
    stream: np.random.Generator,
    parts: list[Table],
    count: int,
    mag: tuple[float, float],
    slope: float,
    mjd: float,
    first_id: int,
    known: float,
) -> Table:
    """Return the table of the first `count` orbits with brightness, ids and epoch."""
    whole = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
    # Mixed, so that no family is cut off at the end.
    take = stream.permutation(len(whole["q"]))[:count]
    table = {k: v[take] for k, v in whole.items()}
    table["H"] = table["H"] + power_law(stream, count, mag, slope)
    table["ssObjectId"] = first_id + np.arange(count, dtype=np.int64)
    table["epochMjdTai"] = np.full(count, float(mjd))
    table["isKnown"] = stream.uniform(size=count) < known
    return table


def power_law(
    stream: np.random.Generator, count: int, mag: tuple[float, float], slope: float
) -> Floats:
    """Return magnitudes in a range whose numbers grow as 10**(slope m)."""
    low, high = 10.0 ** (slope * mag[0]), 10.0 ** (slope * mag[1])
    return np.asarray(np.log10(low + (high - low) * stream.uniform(size=count)) / slope)
