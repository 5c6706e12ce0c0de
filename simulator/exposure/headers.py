"""Headers of raw frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any

from skyassay.pipeline.instrument.camera import Camera
from skyassay.simulator.errors import SimulatorError

#: Seconds per day.
_DAY = 86_400.0
#: What the frame shows.
KINDS = ("OBJECT", "BIAS", "DARK", "FLAT", "SPOT")


@dataclass(frozen=True)
class Pointing:
    """Where an exposure of the sky looked.

    Attributes
    ----------
    ra, dec : float
        Boresight, ICRS, degrees.
    rotation : float
        Of the camera, degrees: its +x axis is turned by this from east towards north.
    altitude, azimuth : float
        Degrees, in the middle of the exposure.
    airmass_start, airmass_end : float
    seeing : float
        Full width at half maximum at the zenith that the seeing monitor gave, arcsec.
    """

    ra: float
    dec: float
    rotation: float
    altitude: float
    azimuth: float
    airmass_start: float
    airmass_end: float
    seeing: float


def exposure_id(day_obs: int, seq_num: int) -> int:
    """Return the number of an exposure from its night (YYYYMMDD) and its place in it.

    Raises
    ------
    SimulatorError
        ``bad_exposure`` where the place is not from 0 to 99,999.
    """
    if not 0 <= seq_num < 100_000:
        raise SimulatorError(
            f"Exposure {seq_num} of night {day_obs} has no number.",
            code="bad_exposure",
            hint="A night has at most 100,000 exposures, counted from 0.",
            exit_code=4,
        )
    return day_obs * 100_000 + seq_num


def raw_header(
    *,
    camera: Camera,
    detector: int,
    exposure: int,
    kind: str,
    physical_filter: str,
    exptime: float,
    dark_time: float,
    mjd_begin: float,
    seed: int,
    program: str,
    reason: str,
    pointing: Pointing | None = None,
    extra: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the primary header of a raw frame.

    Parameters
    ----------
    camera : Camera
        Nominal.
    detector : int
        Its id.
    exposure : int
        As `exposure_id` makes it.
    kind : str
        ``OBJECT``, ``BIAS``, ``DARK``, ``FLAT`` or ``SPOT``.
    physical_filter : str
        The filter in the beam, lit or not.
    exptime, dark_time : float
        Seconds that light and that dark current was collected.
    mjd_begin : float
        MJD TAI at which light began to be collected.
    seed : int
        Of the simulation.
    program, reason : str
        Science program, and why the exposure was made.
    pointing : Pointing, optional
        For ``OBJECT``; frames of lamps have no place on the sky and no such cards.
    extra : dict, optional
        More cards.

    Raises
    ------
    InstrumentError
        ``unknown_detector``.
    SimulatorError
        ``bad_exposure`` for an unknown kind, or a pointing where none belongs.
    """
    if kind not in KINDS or (kind == "OBJECT") != (pointing is not None):
        raise SimulatorError(
            f"A frame of kind {kind!r} {'with a' if pointing else 'without'} pointing is none.",
            code="bad_exposure",
            hint=f"Kinds: {', '.join(KINDS)}; OBJECT has a pointing, the others have none.",
            exit_code=4,
        )
    night, number = divmod(exposure, 100_000)
    cards: dict[str, Any] = {
        "INSTRUME": camera.name,
        "TELESCOP": "SimTel",
        "LAYOUT": camera.layout,
        "DETECTOR": detector,
        "DETNAME": camera[detector].name,
        "OBSID": f"SC_{night}_{number:05d}",
        "EXPID": exposure,
        "DAYOBS": night,
        "SEQNUM": number,
        "IMGTYPE": kind,
        "FILTER": physical_filter,
        "EXPTIME": float(exptime),
        "DARKTIME": float(dark_time),
        "TIMESYS": "TAI",
        "MJD-BEG": mjd_begin,
        "MJD-AVG": mjd_begin + 0.5 * exptime / _DAY,
        "MJD-END": mjd_begin + exptime / _DAY,
        "PROGRAM": program,
        "REASON": reason,
    }
    if pointing is not None:
        cards |= _sky(pointing)
    cards |= {"SIMULATE": True, "SIMSEED": seed, "SIMVERS": _version()}
    return cards | (extra or {})


def _sky(pointing: Pointing) -> dict[str, float | str]:
    """Return the cards of an exposure of the sky."""
    return {
        "RADESYS": "ICRS",
        "RA": pointing.ra % 360.0,
        "DEC": pointing.dec,
        "ROTPA": pointing.rotation,
        "ALT": pointing.altitude,
        "AZ": pointing.azimuth,
        "AMSTART": pointing.airmass_start,
        "AMEND": pointing.airmass_end,
        "SEEING": pointing.seeing,
    }


@cache
def _version() -> str:
    return version("skyassay")
