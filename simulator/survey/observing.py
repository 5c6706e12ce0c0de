"""What the visits of a survey were like: truth first, then what the survey says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.cadence import NIGHT_FACTOR, visit_table
from skyassay.simulator.conditions import DEPTH, DEPTH_MARGIN, EXPOSURE, EXTINCTION, Site
from skyassay.simulator.image_quality import (
    CHROMATIC,
    SLANT,
    WAVELENGTH,
    ImageQuality,
    drawn,
    published,
)
from skyassay.simulator.survey import ephemeris as sky
from skyassay.simulator.survey.brightness import sky_brightness
from skyassay.simulator.survey.fields import PROGRAMS
from skyassay.simulator.survey.filters import BANDS
from skyassay.simulator.survey.scheduler import LONGITUDE

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
_BANDS = np.array(list(BANDS))
_PROGRAMS = np.array(PROGRAMS)
_MJD_ZERO = np.datetime64("1858-11-17")


def _of(values: dict[str, float], band: NDArray[np.int64]) -> Floats:
    return np.array([values[b] for b in BANDS])[band]


def visit_ids(night: NDArray[np.int64], start: float) -> NDArray[np.int64]:
    """Return visit ids: the evening's date, then the number in the night.

    Parameters
    ----------
    night : ndarray of int64, shape (n,)
        Nights since `start` (MJD), in order.
    start : float
    """
    known, first, index = np.unique(night, return_index=True, return_inverse=True)
    days = (_MJD_ZERO + (known + int(start)).astype("timedelta64[D]")).astype(str)
    label = np.array([int(d.replace("-", "")) for d in days], dtype=np.int64)
    return np.asarray(label[index] * NIGHT_FACTOR + np.arange(len(night)) - first[index])


def observed(
    plan: Table, start: float, site: Site, terms: ImageQuality, seed: int
) -> tuple[Table, Table]:
    """Return `truth_visit` and `visit_table` of whole nights.

    Parameters
    ----------
    plan : dict
        As `scheduler.schedule` gives it.
    start : float
        MJD of the first evening.
    site : Site
    terms : ImageQuality
    seed : int
    """
    visit = visit_ids(plan["night"], start)
    shared, own = drawn(visit // NIGHT_FACTOR, seed)
    truth = _truth(plan, visit, site, terms, own)
    truth["throughputOffset"] = terms.throughput_night * shared[0] + terms.throughput_visit * own[2]
    place = sky.Place(plan["ra"], plan["dec"])
    said = {
        **visit_table(truth),
        "azimuth": sky.azimuth(place, sky.sidereal(plan["mjd"], LONGITUDE), site.latitude),
        "isSpecialProgram": plan["program"] > 0,
        "program": _PROGRAMS[plan["program"]],
    }
    return truth, {**said, **published(terms, truth, shared, own)}


def _truth(
    plan: Table, visit: NDArray[np.int64], site: Site, terms: ImageQuality, own: Floats
) -> Table:
    """Return the conditions of the visits, columns of `truth_visit`."""
    mjd, band = plan["mjd"], plan["band"]
    place = sky.Place(plan["ra"], plan["dec"])
    turn = sky.sidereal(mjd, LONGITUDE)
    airmass = 1.0 / np.sin(np.radians(sky.altitude(place, turn, site.latitude)))
    above = _above(mjd, place, turn, site)
    brightness = sky_brightness(
        band,
        airmass,
        above["moonAltitude"],
        above["moonSeparation"],
        np.degrees(np.arccos(2.0 * above["moonIllumination"] - 1.0)),
        above["sunAltitude"],
    )
    slant = airmass**SLANT
    system = terms.system_arcsec * slant * np.exp(terms.system_scatter * own[0])
    chromatic = (_of(WAVELENGTH, band) / 500.0) ** CHROMATIC
    seeing = np.hypot(plan["dimm"] * slant * chromatic, system)
    # Ivezic et al. (2019), eq. 6, less the cloud.
    depth = _of(DEPTH, band) + DEPTH_MARGIN + 0.5 * (brightness - 21.0)
    depth = depth + 2.5 * np.log10(0.7 / seeing) + 1.25 * np.log10(EXPOSURE / 30.0)
    depth = depth - _of(EXTINCTION, band) * (airmass - 1.0) - plan["extinction"]
    return {
        "visit": visit,
        "band": _BANDS[band],
        "expMidptMJD": mjd,
        "ra": plan["ra"],
        "dec": plan["dec"],
        "rotation": plan["rotation"],
        "airmass": airmass,
        "seeing": seeing,
        "skyBrightness": brightness,
        "extinction": plan["extinction"],
        "magLim": depth,
        "atmosphericSeeing": plan["dimm"],
        "systemSeeing": system,
        **above,
    }


def _above(mjd: Floats, place: sky.Place, turn: Floats, site: Site) -> Table:
    """Return where the Moon and the Sun are, deg, and how much of the Moon is lit."""
    moon, sun = sky.moon(mjd), sky.sun(mjd)
    lit = 0.5 - 0.5 * np.cos(np.radians(sky.separation(moon, sun)))
    return {
        "moonAltitude": sky.altitude(moon, turn, site.latitude),
        "moonSeparation": sky.separation(place, moon),
        "moonIllumination": lit,
        "sunAltitude": sky.altitude(sun, turn, site.latitude),
    }
