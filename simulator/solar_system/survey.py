"""Nights of detections of unknown Solar System objects, for linking, without pixels.

A field near opposition is visited twice a night; what moves there is detected down to a
magnitude, with errors of place and brightness, among false detections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.simulator.geometry import basis, offset_positions, to_sky
from skyassay.simulator.random import rng
from skyassay.simulator.solar_system.brightness import band_magnitude
from skyassay.simulator.solar_system.families import SHARES
from skyassay.simulator.solar_system.near import near
from skyassay.simulator.solar_system.observer import look
from skyassay.simulator.solar_system.orbits import Floats, Table
from skyassay.simulator.solar_system.trajectories import ALL_PLANETS, Trajectories

#: Local midnight of Cerro Pachon, d of UTC; the middle of a visit pair is within two hours.
_MIDNIGHT = 0.197
#: AB zero point of nJy.
_ZERO = 31.4
_TRUTH = (
    "ssObjectId",
    "q",
    "e",
    "incl",
    "node",
    "argPeri",
    "tPeriMjdTai",
    "epochMjdTai",
    "H",
    "isKnown",
)


@dataclass(frozen=True)
class MovingSurvey:
    """What is observed, and how well.

    Attributes
    ----------
    start : int
        MJD of the day of the first night.
    nights : tuple of int
        Nights on which the field is visited, counted from the first.
    early : tuple of int
        Earlier nights of one visit each: too little to link, enough for precovery.
    radius : float
        Of the field, deg: 2.1 are 13.9 square degrees.
    count : int
        Unknown objects within the field in the middle of the nights, to `mag`.
    mag : tuple of float
        Range of their V magnitudes.
    shares : mapping
        Family -> share.
    band : str
    m5 : float
        Magnitude in the band at S/N 5.
    m50, width, most : float
        Efficiency: most / (1 + exp((m - m50) / width)).
    floor : float
        Astrometric error of bright detections per coordinate, arcsec.
    seeing : float
        FWHM, arcsec: faint detections have 0.42 FWHM over S/N on top.
    purity : float
        Share of the detections that are real.
    variation : float
        RMS of brightness between visits, mag.
    planets : tuple of int
        Whose pull counts.
    site : Site
    """

    start: int = 61000
    nights: tuple[int, ...] = (0, 2, 5, 8, 11, 14)
    early: tuple[int, ...] = (-17, -4)
    radius: float = 2.1
    count: int = 1000
    mag: tuple[float, float] = (19.0, 24.6)
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    band: str = "r"
    m5: float = 24.4
    m50: float = 24.35
    width: float = 0.1
    most: float = 0.98
    floor: float = 0.02
    seeing: float = 0.75
    purity: float = 0.5
    variation: float = 0.1
    planets: tuple[int, ...] = ALL_PLANETS
    site: Site = SITE


def opposition(mjd_tai: float) -> tuple[float, float]:
    """Return ra and dec of the point opposite to the Sun, deg."""
    seen = look(mjd_tai, SITE)
    ra, dec = to_sky(*(seen.observer - seen.sun)[:, None])
    return float(ra[0]), float(dec[0])


def simulate(survey: MovingSurvey, seed: int) -> dict[str, Table]:
    """Return what is detected and the truth about it.

    Returns
    -------
    dict
        ``dia_source`` (what linking is offered), ``truth_moving_source``,
        ``truth_linkable_object``, ``truth_ss_object``: product -> columns.
    """
    middle = survey.start + 0.5 * (survey.nights[0] + survey.nights[-1]) + _MIDNIGHT
    centre = opposition(middle)
    objects = near(
        centre,
        survey.radius,
        middle,
        survey.count,
        seed,
        mag=survey.mag,
        shares=survey.shares,
        site=survey.site,
        known=0.0,
    )
    visits = _visits(survey, seed)
    first, last = float(visits["mjd"].min()), float(visits["mjd"].max())
    moving = Trajectories(objects, first, last, planets=survey.planets)
    parts = [
        _visit(survey, seed, int(v), float(t), centre, moving)
        for v, t in zip(visits["visit"], visits["mjd"], strict=True)
    ]
    found = {k: np.concatenate([p[k] for p in parts]) for k in parts[0]}
    truth = {"diaSourceId": found["diaSourceId"], "ssObjectId": found.pop("truth")}
    return {
        "dia_source": found,
        "truth_moving_source": truth,
        "truth_linkable_object": linkable(truth["ssObjectId"], found["midpointMjdTai"], objects),
        "truth_ss_object": {k: objects[k] for k in _TRUTH},
    }


def linkable(owner: NDArray[np.int64], mjd: Floats, objects: Table) -> Table:
    """Return which unknown objects have two detections in each of three nights within 15.

    `owner` is the object of each detection, 0 for none; nights change at noon of UTC.
    """
    night = np.floor(mjd - 0.5).astype(np.int64)
    unknown = objects["ssObjectId"][~np.asarray(objects["isKnown"], dtype=bool)]
    rows = []
    for who in unknown:
        there, count = np.unique(night[owner == who], return_counts=True)
        pairs = there[count >= 2]
        close = len(pairs) >= 3 and bool((pairs[2:] - pairs[:-2] < 15).any())
        rows.append((close, len(there), int(count.sum())))
    close_, nights, detections = zip(*rows, strict=True) if rows else ((), (), ())
    return {
        "ssObjectId": unknown.astype(np.int64),
        "isLinkable": np.array(close_, dtype=bool),
        "nNights": np.array(nights, dtype=np.int64),
        "nDetections": np.array(detections, dtype=np.int64),
    }


def _visits(survey: MovingSurvey, seed: int) -> Table:
    """Return ids and times: two a night, 20 to 40 minutes apart."""
    ids, times = [], []
    for night in sorted((*survey.early, *survey.nights)):
        stream = rng(seed, "solar_system.night", night + survey.start)
        pair = survey.start + night + _MIDNIGHT + stream.uniform(-0.08, 0.08)
        gap = stream.uniform(20.0, 40.0) / 1440.0
        both = (pair - gap / 2, pair + gap / 2)
        for k, t in enumerate(both[:1] if night in survey.early else both):
            ids.append((survey.start + night) * 100 + k)
            times.append(t)
    return {"visit": np.array(ids, dtype=np.int64), "mjd": np.array(times)}


def _visit(
    survey: MovingSurvey,
    seed: int,
    visit: int,
    mjd: float,
    centre: tuple[float, float],
    moving: Trajectories,
) -> Table:
    """Return the detections of one visit, true and false, with their owners."""
    stream = rng(seed, "solar_system.visit", visit)
    seen = moving.seen(mjd, survey.site)
    m = band_magnitude(seen["vMag"], survey.band)
    m = m + survey.variation * stream.standard_normal(moving.size)
    middle = basis(np.array([centre[0]]), np.array([centre[1]]))[0][:, 0]
    inside = basis(seen["ra"], seen["dec"])[0].T @ middle > np.cos(np.radians(survey.radius))
    chance = survey.most / (1.0 + np.exp((m - survey.m50) / survey.width))
    hit = inside & (stream.uniform(size=moving.size) < chance)
    true = (seen["ra"][hit], seen["dec"][hit], m[hit], seen["ssObjectId"][hit])
    false = _false(survey, stream, int(hit.sum()), centre)
    ra, dec, m, owner = (np.concatenate([a, b]) for a, b in zip(true, false, strict=True))
    # The order must not tell what is true.
    mix = stream.permutation(len(ra))
    return _measured(survey, stream, visit, mjd, ra[mix], dec[mix], m[mix], owner[mix])


def _false(
    survey: MovingSurvey, stream: np.random.Generator, true: int, centre: tuple[float, float]
) -> tuple[Floats, Floats, Floats, NDArray[np.int64]]:
    """Return false detections: evenly over the field, near the limit of brightness."""
    count = int(stream.poisson(true * (1.0 - survey.purity) / survey.purity))
    rho = survey.radius * np.sqrt(stream.uniform(size=count))
    phi = stream.uniform(0.0, 2.0 * np.pi, count)
    ra, dec = offset_positions(*centre, rho * np.cos(phi), rho * np.sin(phi))
    m = survey.m5 - stream.exponential(0.4, count)
    return ra, dec, m, np.zeros(count, dtype=np.int64)


def _measured(
    survey: MovingSurvey,
    stream: np.random.Generator,
    visit: int,
    mjd: float,
    ra: Floats,
    dec: Floats,
    m: Floats,
    owner: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Return the columns of `dia_source`, and ``truth``."""
    count = len(ra)
    flux = 10.0 ** (0.4 * (_ZERO - m))
    noise = 10.0 ** (0.4 * (_ZERO - survey.m5)) / 5.0
    size = np.hypot(survey.floor, 0.42 * survey.seeing * noise / flux) / 3600.0
    east, north = size * stream.standard_normal((2, count))
    return {
        "diaSourceId": visit * 1_000_000 + np.arange(count, dtype=np.int64),
        "visit": np.full(count, visit, dtype=np.int64),
        "detector": np.zeros(count, dtype=np.int64),
        "band": np.full(count, survey.band),
        "midpointMjdTai": np.full(count, mjd),
        "ra": (ra + east / np.cos(np.radians(dec))) % 360.0,
        "dec": dec + north,
        "raErr": size.astype(np.float32),
        "decErr": size.astype(np.float32),
        "psfFlux": (flux + noise * stream.standard_normal(count)).astype(np.float32),
        "psfFluxErr": np.full(count, noise, dtype=np.float32),
        "truth": owner,
    }
