"""Nights of visits: when, where, in which band, under which conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.conditions import EXPOSURE, Site, conditions
from skyassay.simulator.geometry import offset_positions
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
MJD_ZERO = np.datetime64("1858-11-17")
#: Visit ids are night x this + number in the night, as Rubin writes them.
NIGHT_FACTOR = 100_000
SYNODIC_MONTH = 29.530588
#: First visit of a night, days after 0 h UTC of the day on which the night begins.
EVENING = 1.1


@dataclass(frozen=True)
class Cadence:
    """Parameters of the survey.

    Attributes
    ----------
    visits_per_band : int
        Per field.
    nights : int
        Nights over which they are spread, three days apart.
    bands : tuple of str
    fields : tuple of (ra, dec)
        Degrees.
    dither : float
        Largest offset of a pointing from its field, arcsec.
    rotation : float
        Angle of the camera, degrees; fixed, so that a star stays on its detector.
    start : float
        MJD of the day on which the first night begins.
    site : Site
    """

    visits_per_band: int = 14
    nights: int = 7
    bands: tuple[str, ...] = ("u", "g", "r", "i", "z", "y")
    fields: tuple[tuple[float, float], ...] = ((60.0, -30.0),)
    dither: float = 15.0
    rotation: float = 0.0
    start: float = 61041.0
    site: Site = Site()  # noqa: RUF009 - frozen


@dataclass(frozen=True, eq=False)
class Order:
    """Visits in the order of time: night (from 0), band and field of each, as indices."""

    night: NDArray[np.int64]
    band: NDArray[np.int64]
    field: NDArray[np.int64]


def visits(cadence: Cadence, seed: int, order: Order | None = None) -> Table:
    """Return the visits with their true conditions, columns of the `truth_visit` product.

    The error terms are not in it: `visit_errors.with_errors` draws them.

    Parameters
    ----------
    cadence : Cadence
    seed : int
    order : Order, optional
        Other visits than the cadence's, of whole nights.
    """
    order = order or _plan(cadence)
    night, band, field = order.night, order.band, order.field
    first = np.searchsorted(night, night, side="left")
    number = np.arange(night.size) - first
    mjd = cadence.start + 3.0 * night + EVENING + number * (EXPOSURE + 9.0) / 86400.0
    ids = _night_label(mjd) * NIGHT_FACTOR + number
    bands = np.array(cadence.bands)[band]
    centres = np.array(cadence.fields)[field]
    drawn = {int(n): rng(seed, "cadence.night", int(n)).random(2) for n in np.unique(night)}
    u_night = np.stack([drawn[int(n)] for n in night])
    moon = 0.5 - 0.5 * np.cos(2.0 * np.pi * mjd / SYNODIC_MONTH)
    u = np.stack([rng(seed, "cadence.visit", int(v)).random(6) for v in ids], axis=1)
    shared = np.stack([u_night[:, 0], u_night[:, 1], moon])
    found = conditions(cadence.site, bands, centres[:, 1], shared, u[:4])
    ra, dec = _dithered(cadence, centres, u[4:])
    return {
        "visit": ids,
        "band": bands,
        "expMidptMJD": mjd,
        "ra": ra,
        "dec": dec,
        "rotation": np.full(ids.size, cadence.rotation),
        "airmass": found.airmass,
        "seeing": found.seeing,
        "skyBrightness": found.sky,
        "extinction": found.extinction,
        "magLim": found.m5,
    }


def _plan(cadence: Cadence) -> Order:
    """Return the visits; those of each band are spread over the nights."""
    repeat = np.arange(cadence.visits_per_band)
    grid = np.meshgrid(
        repeat, np.arange(len(cadence.bands)), np.arange(len(cadence.fields)), indexing="ij"
    )
    turn, band, field = (g.ravel().astype(np.int64) for g in grid)
    night = turn % cadence.nights
    order = np.lexsort((band, night))
    return Order(night[order], band[order], field[order])


def _dithered(cadence: Cadence, centres: Floats, u: Floats) -> tuple[Floats, Floats]:
    """Return pointings spread evenly over a small disc around the field centres."""
    rho = cadence.dither / 3600.0 * np.sqrt(u[0])
    phi = 2.0 * np.pi * u[1]
    east, north = rho * np.cos(phi), rho * np.sin(phi)
    moved = [
        offset_positions(c[0], c[1], e[None], n[None])
        for c, e, n in zip(centres, east, north, strict=True)
    ]
    ra, dec = (np.concatenate([m[k] for m in moved]) for k in (0, 1))
    return ra, dec


def _night_label(mjd: Floats) -> NDArray[np.int64]:
    """Return the evening's date as yyyymmdd."""
    # The night's date changes at noon: 0.5 d is taken off.
    days = MJD_ZERO + np.floor(mjd - 0.5).astype("timedelta64[D]")
    text = np.char.replace(days.astype("datetime64[D]").astype(str), "-", "")
    return np.asarray(text.astype(np.int64))


def visit_table(truth: Table) -> Table:
    """Return the public `visit_table`: what a survey says about its visits, without truth."""
    half = EXPOSURE / 2.0 / 86400.0
    zenith = np.degrees(np.arccos(1.0 / truth["airmass"]))
    return {
        "visit": truth["visit"],
        "band": truth["band"],
        "ra": truth["ra"],
        "dec": truth["dec"],
        "expTime": np.full(truth["visit"].size, EXPOSURE),
        "airmass": truth["airmass"],
        "altitude": 90.0 - zenith,
        "zenithDistance": zenith,
        "expMidpt": _timestamp(truth["expMidptMJD"]),
        "expMidptMJD": truth["expMidptMJD"],
        "obsStart": _timestamp(truth["expMidptMJD"] - half),
        "obsStartMJD": truth["expMidptMJD"] - half,
        "physical_filter": np.char.add(truth["band"], "_twin"),
        "skyRotation": truth["rotation"],
        "program": np.full(truth["visit"].size, "main"),
        "isSpecialProgram": np.zeros(truth["visit"].size, dtype=bool),
    }


def _timestamp(mjd: Floats) -> NDArray[np.datetime64]:
    """Return MJD (TAI) as timestamps in TAI, to the microsecond."""
    micro = np.round(mjd * 86_400e6).astype("timedelta64[us]")
    return np.asarray(MJD_ZERO.astype("datetime64[us]") + micro)


def night_log(truth: Table, seed: int) -> Table:
    """Return one line per night, with invented observers and programmes."""
    from faker import Faker

    nights = np.unique(truth["visit"] // NIGHT_FACTOR)
    rows: list[tuple[str, str, str]] = []
    for night in nights:
        fake = Faker("en_GB", use_weakref=False)
        fake.seed_instance(int(rng(seed, "cadence.log", int(night)).integers(1 << 62)))
        mine = truth["visit"] // NIGHT_FACTOR == night
        cloud = "Thin cloud." if np.any(truth["extinction"][mine] > 0) else "Clear."
        seeing = float(np.median(truth["seeing"][mine]))
        text = f"{int(mine.sum())} visits, median seeing {seeing:.2f} arcsec. {cloud}"
        rows.append((fake.name(), f"{fake.word().capitalize()} survey", text))
    observer, programme, text_column = (np.array(c) for c in zip(*rows, strict=True))
    return {"night": nights, "observer": observer, "programme": programme, "text": text_column}
