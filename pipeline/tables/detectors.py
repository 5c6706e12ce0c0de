"""One row of numbers per visit and detector: `visit_summary` and `visit_detector_table`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bits
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.tables.depth import TO_FWHM, effective_time, limiting_magnitude
from skyassay.pipeline.tables.standardize import conform

MJD_ZERO = np.datetime64("1858-11-17", "us")
#: Pixels that are of no use to science.
UNUSABLE = bits("BAD", "SAT", "CR", "NO_DATA", "UNMASKEDNAN")
#: Columns of a summary that the public table does not have.
_PRIVATE = (
    "wcs",
    "zeroPointErr",
    "airmass",
    "seeingMonitor",
    "program",
    "boresightRa",
    "boresightDec",
)
_CORNERS = ("llc", "lrc", "urc", "ulc")


def summary_row(exposure: Exposure, visit: int, detector: int, bad: int) -> dict[str, Any]:
    """Return the row of a calibrated image.

    Parameters
    ----------
    exposure : Exposure
        With WCS, zero point and summary.
    visit, detector : int
    bad : int
        Pixels of no use to science.

    Returns
    -------
    dict
        Columns of `visit_detector_table` and a few private ones (WCS as text, zero point error).
        What could not be measured is NaN.
    """
    info, numbers = exposure.visit_info, dict(exposure.summary)
    rows, columns = exposure.shape
    named = str(info["physicalFilter"])
    exposed = float(info["expTime"])
    row: dict[str, Any] = {
        "visit": visit,
        "detector": detector,
        "band": FILTERS[named],
        "physical_filter": named,
        "expTime": exposed,
        "darkTime": float(info["darkTime"]),
        "skyRotation": float(info["skyRotation"]),
        "zenithDistance": 90.0 - float(info.get("altitude", np.nan)),
        **_times(info),
        "xSize": columns,
        "ySize": rows,
        "nPixelBad": bad,
        "airmass": float(info.get("airmass", np.nan)),
        "seeingMonitor": float(info.get("seeingMonitor", np.nan)),
        "boresightRa": float(info["boresightRa"]),
        "boresightDec": float(info["boresightDec"]),
        "program": str(exposure.metadata.get("PROGRAM", "main")),
    }
    return {**numbers, **row, **calibrated(exposure.wcs, exposure.photo_calib, row, numbers)}


def _times(info: Mapping[str, Any]) -> dict[str, Any]:
    begin, middle = float(info["obsStartMJD"]), float(info["expMidptMJD"])
    return {
        "obsStartMJD": begin,
        "expMidptMJD": middle,
        "obsStart": timestamp(begin),
        "expMidpt": timestamp(middle),
    }


def timestamp(mjd: float) -> np.datetime64:
    """Return MJD (TAI) as a timestamp in TAI, to the microsecond."""
    return MJD_ZERO + np.timedelta64(round(mjd * 86_400e6), "us")


def calibrated(
    wcs: SkyWcs | None,
    calib: PhotoCalib | None,
    row: Mapping[str, Any],
    numbers: Mapping[str, float],
) -> dict[str, Any]:
    """Return what follows from WCS and zero point; NaN where they are missing."""
    nan = float("nan")
    zero = calib.zero_point if calib else nan
    found: dict[str, Any] = {"zeroPoint": zero, "zeroPointErr": calib.error if calib else nan}
    nx, ny = int(row["xSize"]), int(row["ySize"])
    scale = float(wcs.pixel_scale((nx - 1) / 2, (ny - 1) / 2)) if wcs else nan
    sigma, sky = float(numbers.get("psfSigma", nan)), float(numbers.get("skyBg", nan))
    noise, area = float(numbers.get("skyNoise", nan)), float(numbers.get("psfArea", nan))
    found |= {"pixelScale": scale, "seeing": sigma * scale * TO_FWHM, "wcs": _text(wcs)}
    found["magLim"] = limiting_magnitude(zero, area, noise)
    found |= effective_time(str(row["band"]), float(row["expTime"]), zero, sigma, sky, scale)
    return found | _places(wcs, nx, ny)


def _places(wcs: SkyWcs | None, nx: int, ny: int) -> dict[str, float]:
    """Return where the centre and the corners are on the sky."""
    x = np.array([(nx - 1) / 2, -0.5, nx - 0.5, nx - 0.5, -0.5])
    y = np.array([(ny - 1) / 2, -0.5, -0.5, ny - 0.5, ny - 0.5])
    ra, dec = wcs.pixel_to_sky(x, y) if wcs else (np.full(5, np.nan), np.full(5, np.nan))
    found = {"ra": float(ra[0]), "dec": float(dec[0])}
    for k, name in enumerate(_CORNERS, start=1):
        found |= {f"{name}ra": float(ra[k]), f"{name}dec": float(dec[k])}
    return found


def _text(wcs: SkyWcs | None) -> str:
    """Return a WCS as text, exactly; empty where there is none."""
    if wcs is None:
        return ""
    return json.dumps({k: np.asarray(v).tolist() for k, v in wcs.to_arrays().items()})


def wcs_of(text: str) -> SkyWcs | None:
    """Return the WCS that a summary's ``wcs`` column holds."""
    if not text:
        return None
    return SkyWcs.from_arrays({k: np.asarray(v) for k, v in json.loads(text).items()})


def count_bad(mask: NDArray[np.int32]) -> int:
    """Return how many pixels are of no use to science."""
    return int(np.count_nonzero(mask & UNUSABLE))


def summary_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return rows as a table, sorted by visit and detector, with the schema's types and units."""
    ordered = sorted(rows, key=lambda row: (row["visit"], row["detector"]))
    names = list(dict.fromkeys(name for row in ordered for name in row))
    table = Table()
    for name in names:
        table[name] = [row.get(name, np.nan) for row in ordered]
    return conform(table, "visit_detector_table")


def public(summary: Table) -> Table:
    """Return `visit_detector_table` of summaries: without the private columns."""
    found = summary[[c for c in summary.colnames if c not in _PRIVATE]]
    found["visitId"] = found["visit"]
    return found
