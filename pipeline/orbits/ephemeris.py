"""Where known Solar System objects are in the sky at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from astropy.table import Table

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.pipeline.orbits import elements as orbital
from skyassay.pipeline.orbits.brightness import magnitude
from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.kepler import Floats, propagate
from skyassay.pipeline.orbits.observer import AU_M, frame

#: Light: AU/d. One AU/d in km/s.
LIGHT = 299792458.0 * 86400.0 / AU_M
KM_S = AU_M / 1000.0 / 86400.0
#: Error of the best catalogued orbits at their epoch, arcsec; and what the planets move an
#: object in the 30 days from its epoch, arcsec at 1 AU: by Jupiter in the main belt it is
#: 0.6 typically and more for what passes near it; it grows as time squared.
FLOOR, PLANETS = 0.1, 3.0


class Apparent(NamedTuple):
    """Topocentric astrometric places: (n, 3) in AU and AU/d on ICRS axes, at emission."""

    topo: Floats
    topo_velocity: Floats
    helio: Floats
    helio_velocity: Floats
    observer_to_sun: Floats


def predict(mpcorb: Table, mjd_tai: float, site: Site = SITE) -> Table:
    """Return the places of all objects of a catalogue of orbits at one time.

    Motion is two-body about the Sun, with light time and the observer's place; positions are
    astrometric (ICRS, without aberration), as measured relative to stars.

    Parameters
    ----------
    mpcorb : astropy.table.Table
        ``ssObjectId``, ``q`` [AU], ``e``, ``i``, ``node``, ``argperi`` [deg], ``t_p``
        [MJD TAI], ``epoch_mjd`` [MJD TAI], ``mpc_H``, ``mpc_G``; optionally ``u_param``, the
        Minor Planet Center's uncertainty parameter.
    mjd_tai : float
        Middle of the exposure.
    site : Site

    Returns
    -------
    astropy.table.Table
        One row per orbit, in its order: ``ssObjectId``, ``ra``, ``dec`` [deg], ``rate_ra``
        (with cos dec), ``rate_dec`` [deg/d], ``err`` [arcsec, one sigma a coordinate],
        ``Vmag``, ``phaseAngle``, ``elongation`` [deg], ``helioRange``, ``topoRange`` [AU],
        ``helioRangeRate``, ``topoRangeRate`` [km/s], ``helio_x`` ... ``topo_vz`` [AU, km/s].

    Raises
    ------
    OrbitError
        ``missing_columns``, ``bad_elements``, ``bad_time`` or ``no_convergence``.
    """
    lacking = [c for c in ("ssObjectId", "epoch_mjd", "mpc_H") if c not in mpcorb.colnames]
    if lacking:
        raise OrbitError(
            f"The catalogue of orbits lacks {', '.join(lacking)}.",
            code="missing_columns",
            hint="Give the columns of mpc_orbits.",
            exit_code=4,
        )
    orbits = orbital.from_table(mpcorb)
    position, velocity = orbital.to_state(orbits, mjd_tai)
    place = apparent(position, velocity, mjd_tai, site)
    return _table(mpcorb, place, float(mjd_tai))


def apparent(
    position: Floats, velocity: Floats, mjd_tai: Floats | float, site: Site = SITE
) -> Apparent:
    """Return topocentric places of heliocentric states (n, 3) that are valid at `mjd_tai`.

    `mjd_tai` is one time or one a state. The Sun's own motion during the light time counts.
    """
    seen = frame(mjd_tai, site)
    helio, helio_velocity = position, velocity
    for _ in range(4):
        distance = np.linalg.norm(helio + seen.sun - seen.observer, axis=-1)
        light = distance / LIGHT
        helio, helio_velocity = propagate(position, velocity, -light)
        helio_sun = seen.sun - seen.sun_velocity * light[..., None]
        topo = helio + helio_sun - seen.observer
        if np.all(np.abs(np.linalg.norm(topo, axis=-1) - distance) < 1e-10):
            break
    space = helio_velocity + seen.sun_velocity
    away = (topo * (space - seen.observer_velocity)).sum(axis=-1) / np.linalg.norm(topo, axis=-1)
    # Light leaves later from what comes closer.
    slower = 1.0 / (1.0 + away / LIGHT)
    return Apparent(
        topo,
        space * slower[..., None] - seen.observer_velocity,
        helio,
        helio_velocity,
        np.broadcast_to(seen.sun - seen.observer, topo.shape),
    )


def sky(topo: Floats) -> tuple[Floats, Floats]:
    """Return ra and dec, deg, of vectors (..., 3)."""
    x, y, z = np.moveaxis(topo, -1, 0)
    return np.degrees(np.arctan2(y, x)) % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


def rates(topo: Floats, velocity: Floats) -> tuple[Floats, Floats]:
    """Return rates in ra (with cos dec) and dec, deg/d, of vectors (..., 3)."""
    x, y, z = np.moveaxis(topo, -1, 0)
    vx, vy, vz = np.moveaxis(velocity, -1, 0)
    flat, all_ = np.hypot(x, y), np.linalg.norm(topo, axis=-1)
    east = (x * vy - y * vx) / (flat * all_)
    north = (vz * flat - z * (x * vx + y * vy) / flat) / (all_ * all_)
    return np.degrees(east), np.degrees(north)


def angle(a: Floats, b: Floats) -> Floats:
    """Return angles between vectors (..., 3), rad, exact for small ones."""
    across = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.arctan2(across, (a * b).sum(axis=-1)))


def declared_error(mpcorb: Table, distance: Floats, mjd_tai: float) -> Floats:
    """Return the declared error of a predicted coordinate, arcsec.

    Three parts in quadrature: a floor, the runoff of the orbit by the Minor Planet Center's
    parameter U (arcsec in a decade = exp(1.49 U)), and what the neglected planets do.
    """
    days = np.abs(mjd_tai - np.asarray(mpcorb["epoch_mjd"], dtype=np.float64))
    u = np.asarray(mpcorb["u_param"] if "u_param" in mpcorb.colnames else np.zeros(len(mpcorb)))
    runoff = np.exp(1.49 * u.astype(np.float64)) * days / 3652.5
    planets = PLANETS * (days / 30.0) ** 2 / np.maximum(distance, 0.01)
    return np.asarray(np.sqrt(FLOOR**2 + runoff**2 + planets**2))


def _table(mpcorb: Table, place: Apparent, mjd: float) -> Table:
    """Return the table of predicted places."""
    sun, observer = (np.linalg.norm(v, axis=-1) for v in (place.helio, place.topo))
    phase = angle(place.helio, place.topo)
    ra, dec = sky(place.topo)
    rate_ra, rate_dec = rates(place.topo, place.topo_velocity)
    h = np.asarray(mpcorb["mpc_H"], dtype=np.float64)
    names = mpcorb.colnames
    g = np.asarray(mpcorb["mpc_G"], dtype=np.float64) if "mpc_G" in names else np.full(len(h), 0.15)
    away = (place.topo * place.topo_velocity).sum(axis=-1) / observer * KM_S
    outward = (place.helio * place.helio_velocity).sum(axis=-1) / sun * KM_S
    table = Table({"ssObjectId": np.asarray(mpcorb["ssObjectId"], dtype=np.int64)})
    for name, values, unit in (
        ("ra", ra, "deg"),
        ("dec", dec, "deg"),
        ("rate_ra", rate_ra, "deg/d"),
        ("rate_dec", rate_dec, "deg/d"),
        ("err", declared_error(mpcorb, observer, mjd), "arcsec"),
        ("Vmag", magnitude(h, g, sun, observer, phase), "mag"),
        ("phaseAngle", np.degrees(phase), "deg"),
        ("elongation", np.degrees(angle(place.topo, place.observer_to_sun)), "deg"),
        ("helioRange", sun, "AU"),
        ("topoRange", observer, "AU"),
        ("helioRangeRate", outward, "km/s"),
        ("topoRangeRate", away, "km/s"),
    ):
        table[name] = values
        table[name].unit = unit
    for prefix, r, v in (
        ("helio", place.helio, place.helio_velocity),
        ("topo", place.topo, place.topo_velocity),
    ):
        for k, axis in enumerate("xyz"):
            table[f"{prefix}_{axis}"], table[f"{prefix}_v{axis}"] = r[:, k], KM_S * v[:, k]
            table[f"{prefix}_{axis}"].unit, table[f"{prefix}_v{axis}"].unit = "AU", "km/s"
    return table
