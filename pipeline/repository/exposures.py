"""Dimension records of exposures and visits, from raw headers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.time import Time, TimeDelta
from lsst.daf.butler import Butler, Timespan

from skyassay.pipeline.instrument.camera import Camera, Detector
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.instrument.layouts import NAME
from skyassay.pipeline.repository.headers import KINDS
from skyassay.pipeline.repository.skymap import polygon

#: A pointing is known before the fit to about this, degrees: regions are larger by it.
_PADDING = 30.0 / 3600.0


def register_exposure(butler: Butler, camera: Camera, header: Mapping[str, Any]) -> None:
    """Enter an exposure, and its visit if it shows the sky; again changes nothing.

    Parameters
    ----------
    butler : Butler
    camera : Camera
    header : mapping
        Of any raw frame of the exposure.
    """
    registry = butler.registry
    with registry.transaction():
        common = _common(butler, header)
        registry.syncDimensionData(
            "exposure",
            common
            | {
                "obs_id": str(header.get("OBSID", header["EXPID"])),
                "group": str(header["EXPID"]),
                "dark_time": float(header["DARKTIME"]),
                "observation_type": KINDS[header["IMGTYPE"]],
                "seq_start": int(header["SEQNUM"]),
                "seq_end": int(header["SEQNUM"]),
                "has_simulated": bool(header.get("SIMULATE", False)),
                "can_see_sky": header["IMGTYPE"] == "OBJECT",
            }
            | _pointing(header),
        )
        if header["IMGTYPE"] == "OBJECT":
            _register_visit(butler, camera, header, common)


def _pointing(header: Mapping[str, Any]) -> dict[str, float | None]:
    """Return where the exposure looked; nowhere for calibration frames."""
    sky = header["IMGTYPE"] == "OBJECT"
    return {
        "tracking_ra": float(header["RA"]) if sky else None,
        "tracking_dec": float(header["DEC"]) if sky else None,
        "sky_angle": float(header["ROTPA"]) if sky else None,
    }


def _common(butler: Butler, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that exposure and visit share; enter day, group and filter's system."""
    registry, night = butler.registry, int(header["DAYOBS"])
    day = datetime.datetime.strptime(str(night), "%Y%m%d")
    begin = Time(day, scale="tai") + TimeDelta(43_200.0, format="sec", scale="tai")
    whole = Timespan(begin, begin + TimeDelta(86_400.0, format="sec", scale="tai"))
    registry.syncDimensionData("day_obs", {"instrument": NAME, "id": night, "timespan": whole})
    registry.syncDimensionData("group", {"instrument": NAME, "name": str(header["EXPID"])})
    named = str(header["FILTER"])
    return {
        "instrument": NAME,
        "id": int(header["EXPID"]),
        # Every exposure has a filter in the registry; lamps without one use the first.
        "physical_filter": named if named in FILTERS else next(iter(FILTERS)),
        "day_obs": night,
        "seq_num": int(header["SEQNUM"]),
        "exposure_time": float(header["EXPTIME"]),
        "target_name": str(header.get("OBJECT", "field")),
        "observation_reason": str(header.get("REASON", "science")),
        "science_program": str(header.get("PROGRAM", "main")),
        "zenith_angle": 90.0 - float(header["ALT"]) if "ALT" in header else None,
        "azimuth": float(header["AZ"]) if "AZ" in header else None,
        "timespan": Timespan(
            Time(float(header["MJD-BEG"]), format="mjd", scale="tai"),
            Time(float(header["MJD-END"]), format="mjd", scale="tai"),
        ),
    }


def _register_visit(
    butler: Butler, camera: Camera, header: Mapping[str, Any], common: Mapping[str, Any]
) -> None:
    """Enter the visit of one exposure and where its detectors look."""
    registry, number = butler.registry, int(header["EXPID"])
    visit = dict(common) | {
        "name": str(header.get("OBSID", number)),
        "region": _region(camera, header),
    }
    registry.syncDimensionData("visit_system", {"instrument": NAME, "id": 0, "name": "one-to-one"})
    registry.insertDimensionData("visit", visit, skip_existing=True)
    registry.insertDimensionData(
        "visit_definition",
        {"instrument": NAME, "exposure": number, "visit": number},
        skip_existing=True,
    )
    registry.insertDimensionData(
        "visit_system_membership",
        {"instrument": NAME, "visit": number, "visit_system": 0},
        skip_existing=True,
    )
    registry.insertDimensionData(
        "visit_detector_region",
        *(
            {
                "instrument": NAME,
                "visit": number,
                "detector": d.id,
                "region": _look(d, camera, header),
            }
            for d in camera.detectors
        ),
        skip_existing=True,
    )


def _look(detector: Detector, camera: Camera, header: Mapping[str, Any]) -> Any:
    """Return the region of a detector on the sky, as the header has it, with a margin."""
    wide = detector.nx / 2 * camera.pixel_scale / 3600.0 + _PADDING
    high = detector.ny / 2 * camera.pixel_scale / 3600.0 + _PADDING
    x = detector.x + np.array([-wide, wide, wide, -wide])
    y = detector.y + np.array([-high, -high, high, high])
    return polygon(float(header["RA"]), float(header["DEC"]), *_turned(x, y, header))


def _region(camera: Camera, header: Mapping[str, Any]) -> Any:
    """Return a region about all detectors."""
    side = [d.nx * camera.pixel_scale / 7200.0 + _PADDING for d in camera.detectors]
    west = min(d.x - s for d, s in zip(camera.detectors, side, strict=True))
    east = max(d.x + s for d, s in zip(camera.detectors, side, strict=True))
    south = min(d.y - s for d, s in zip(camera.detectors, side, strict=True))
    north = max(d.y + s for d, s in zip(camera.detectors, side, strict=True))
    x, y = np.array([west, east, east, west]), np.array([south, south, north, north])
    return polygon(float(header["RA"]), float(header["DEC"]), *_turned(x, y, header))


def _turned(x: Any, y: Any, header: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return focal plane coordinates as east and north: the camera is turned by ROTPA."""
    turn = np.radians(float(header["ROTPA"]))
    return np.cos(turn) * x - np.sin(turn) * y, np.sin(turn) * x + np.cos(turn) * y
