"""What is exposed: visits under their true conditions, and calibration frames before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.simulator.cadence import NIGHT_FACTOR, Cadence, Order, visit_table, visits
from skyassay.simulator.camera.lamps import CalibrationFrame, CalibrationPlan
from skyassay.simulator.conditions import EXPOSURE
from skyassay.simulator.image_quality import ImageQuality, with_images
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.optics.throughput import sky_brightness, sky_electrons, zero_point
from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
#: Numbers of calibration frames in their day begin here: visits keep those of their cadence.
CALIBRATION_NUMBER = 50_000
#: When calibration frames begin, days after 0 h UTC of the day: in the afternoon.
AFTERNOON = 0.75
#: Seconds from the end of one calibration frame to the next one.
READ_OUT = 5.0
#: Light of the lamp, electrons per pixel and second: a ramp has longer exposures, not another lamp.
LAMP_RATE = 6_000.0


def science_plan(
    cadence: Cadence, terms: OpticsTerms, seed: int, order: Order | None = None
) -> tuple[Table, Table]:
    """Return the visits: everything true of them, and what the survey says of them.

    Parameters
    ----------
    cadence : Cadence
    terms : OpticsTerms
    seed : int
    order : Order, optional
        Which visits, night by night; the cadence's where not given.

    Returns
    -------
    plan : dict
        Columns of `truth_visit`, and ``hourAngle`` and ``latitude`` in degrees. Its
        ``skyBrightness`` is on the scale of the exposure's own zero point, so that it is what
        a perfect measurement of the image gives.
    said : dict
        `visit_table` as the twin makes it; a pixel release takes the seeing monitor from it.
    """
    plan = visits(cadence, seed, order)
    night = plan["visit"] // NIGHT_FACTOR
    plan, said = with_images(plan, visit_table(plan), ImageQuality(), seed, night)
    u = np.array([rng(seed, "cadence.visit", int(v)).random(6)[3] for v in plan["visit"]])
    plan["hourAngle"] = 15.0 * (2.0 * u - 1.0) * cadence.site.hour_angle
    plan["latitude"] = np.full(u.size, cadence.site.latitude)
    own = [rng(seed, "optics.throughput", int(v)).standard_normal() for v in plan["visit"]]
    plan["throughputOffset"] = terms.throughput_mag * np.array(own)
    columns = ("band", "airmass", "extinction", "magLim", "seeing")
    for k, (band, airmass, extinction, m5, seeing) in enumerate(
        zip(*(plan[c] for c in columns), strict=True)
    ):
        zero = zero_point(str(band), float(airmass), float(extinction))
        sky = sky_electrons(float(m5), zero, float(seeing))
        plan["skyBrightness"][k] = sky_brightness(sky, zero + plan["throughputOffset"][k])
    return plan, said


@dataclass(frozen=True)
class Frame:
    """One exposure of the whole camera.

    Attributes
    ----------
    exposure : int
        Its number: day of observation x 100,000 + number in the day.
    kind : str
        IMGTYPE: ``OBJECT``, ``BIAS``, ``DARK``, ``FLAT`` or ``SPOT``.
    band : str
        Empty where there is no light.
    exptime, darktime : float
        Seconds.
    begin : float
        MJD (TAI).
    lamp : CalibrationFrame or None
        What the lamps do; nothing in exposures of the sky.
    """

    exposure: int
    kind: str
    band: str
    exptime: float
    darktime: float
    begin: float
    lamp: CalibrationFrame | None = None

    @property
    def day(self) -> int:
        """Day of observation, yyyymmdd."""
        return self.exposure // NIGHT_FACTOR

    @property
    def number(self) -> int:
        """Number in the day."""
        return self.exposure % NIGHT_FACTOR


def science_frames(plan: Table) -> list[Frame]:
    """Return the exposures of the visits."""
    half = EXPOSURE / 2.0 / 86400.0
    return [
        Frame(int(v), "OBJECT", str(b), EXPOSURE, EXPOSURE, float(t) - half)
        for v, b, t in zip(plan["visit"], plan["band"], plan["expMidptMJD"], strict=True)
    ]


def calibration_frames(
    wanted: CalibrationPlan, bands: tuple[str, ...], day: int, start: float
) -> list[Frame]:
    """Return the calibration exposures of the afternoon before the first night.

    Parameters
    ----------
    wanted : CalibrationPlan
    bands : tuple of str
    day : int
        Day of observation, yyyymmdd.
    start : float
        MJD of that day.
    """
    found: list[Frame] = []
    now = start + AFTERNOON
    for k, lamp in enumerate(wanted.frames(bands)):
        number = day * NIGHT_FACTOR + CALIBRATION_NUMBER + k
        band = FILTERS[lamp.physical_filter] if lamp.kind in ("FLAT", "SPOT") else ""
        found.append(Frame(number, lamp.kind, band, lamp.exptime, lamp.exptime, now, lamp))
        now += (lamp.exptime + READ_OUT) / 86400.0
    return found
