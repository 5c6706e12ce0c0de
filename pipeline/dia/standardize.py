"""From measurements on a difference image to the public columns of `dia_source`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import PhotoCalib
from skyassay.pipeline.tables.standardize import Origin, conform

if TYPE_CHECKING:
    from skyassay.pipeline.astrometry.wcs import SkyWcs

Floats = NDArray[np.float64]
#: Public flux -> flux in electrons.
FLUXES = {
    "psfFlux": "psfFlux_instFlux",
    "psfFluxErr": "psfFlux_instFluxErr",
    "apFlux": "apFlux_instFlux",
    "apFluxErr": "apFlux_instFluxErr",
    "scienceFlux": "scienceFlux_instFlux",
    "scienceFluxErr": "scienceFlux_instFluxErr",
    "templateFlux": "templateFlux_instFlux",
    "templateFluxErr": "templateFlux_instFluxErr",
    "dipoleMeanFlux": "dipoleMeanFlux_instFlux",
    "dipoleMeanFluxErr": "dipoleMeanFlux_instFluxErr",
    "dipoleFluxDiff": "dipoleFluxDiff_instFlux",
    "dipoleFluxDiffErr": "dipoleFluxDiff_instFluxErr",
    "trailFlux": "trailFlux_instFlux",
    "trailFluxErr": "trailFlux_instFluxErr",
}
#: Lengths in pixels, and areas in square pixels, that become arcsec and square arcsec.
LENGTHS = ("dipoleLength", "trailLength", "trailLengthErr")
AREAS = ("ixx", "ixy", "iyy", "ixxPSF", "ixyPSF", "iyyPSF")
#: What is taken as it is.
PLAIN = (
    "x", "y", "xErr", "yErr", "centroid_flag", "snr", "isNegative", "psfFlux_flag",
    "psfFlux_flag_edge", "psfFlux_flag_noGoodPixels", "psfChi2", "psfNdata", "apFlux_flag",
    "apFlux_flag_apertureTruncated", "forced_PsfFlux_flag", "forced_PsfFlux_flag_edge",
    "forced_PsfFlux_flag_noGoodPixels", "shape_flag", "shape_flag_no_pixels", "extendedness",
    "bboxSize", "isDipole", "dipoleFitAttempted", "dipoleAngle", "dipoleChi2", "dipoleNdata",
    "trailAngle", "trailAngleErr", "trailChi2", "trailNdata", "trail_flag", "trail_flag_edge",
)  # fmt: skip


@dataclass(frozen=True)
class Exposed:
    """When an image was taken.

    Attributes
    ----------
    midpoint : float
        MJD, TAI.
    seconds : float
        Exposure time.
    """

    midpoint: float
    seconds: float


def standardize_dia(
    measured: Table,
    reliability: Table,
    wcs: SkyWcs,
    calib: PhotoCalib,
    origin: Origin,
    exposed: Exposed,
) -> Table:
    """Return the public table of one detector.

    Parameters
    ----------
    measured : Table
        As `measure_dia` makes it, with `diaSourceId`.
    reliability : Table
        diaSourceId, score, version: of the same rows.
    wcs : SkyWcs
    calib : PhotoCalib
        Its error is not part of the flux errors: it is shared by the image.
    origin : Origin
    exposed : Exposed

    Returns
    -------
    Table
        Columns, types and units of the product `dia_source` (Felis). The ids of the objects,
        and when a source was processed, are known to the association alone.

    Raises
    ------
    ValueError
        Where the two tables are not of the same sources.
    """
    count = len(measured)
    if not np.array_equal(measured["diaSourceId"], reliability["diaSourceId"]):
        raise ValueError("Measurements and reliability are not of the same sources.")
    table = Table({"diaSourceId": np.asarray(measured["diaSourceId"])})
    for name, value in (
        ("visit", origin.visit),
        ("detector", origin.detector),
        ("band", origin.band),
        ("midpointMjdTai", exposed.midpoint),
        ("exposureTime", exposed.seconds),
        ("parentDiaSourceId", 0),
    ):
        table[name] = np.full(count, value)
    for name, column in sky_positions(measured, wcs).items():
        table[name] = column
    scale = wcs.pixel_scale(measured["x"], measured["y"])
    for name, own in FLUXES.items():
        table[name] = np.asarray(measured[own]) * calib.nanojansky
    for name in LENGTHS:
        table[name] = np.asarray(measured[name]) * scale
    for name in AREAS:
        table[name] = np.asarray(measured[name]) * scale**2
    flags = [n for n in measured.colnames if n.startswith("pixelFlags_")]
    for name in (*PLAIN, *flags):
        table[name] = np.asarray(measured[name])
    table["trailRa"], table["trailDec"] = wcs.pixel_to_sky(measured["trailX"], measured["trailY"])
    table["reliability"] = np.asarray(reliability["score"])
    table["reliabilityVersion"] = np.asarray(reliability["version"]).astype(str)
    table["glint_trail"] = np.zeros(count, dtype=np.bool_)
    return conform(table, "dia_source")


def sky_positions(measured: Table, wcs: SkyWcs) -> dict[str, Floats]:
    """Return positions and their covariance, degrees; errors of right ascension times cos dec.

    The covariance of x and y goes through the local derivatives of the WCS.
    """
    x, y = (np.asarray(measured[c], dtype=np.float64) for c in ("x", "y"))
    ra, dec = wcs.pixel_to_sky(x, y)
    along = wcs.jacobian(x, y).reshape(-1, 2, 2) / 3600.0
    pixels = np.empty((len(x), 2, 2))
    pixels[:, 0, 0], pixels[:, 1, 1] = measured["xErr"] ** 2, measured["yErr"] ** 2
    pixels[:, 0, 1] = pixels[:, 1, 0] = measured["x_y_Cov"]
    sky = along @ pixels @ along.transpose(0, 2, 1)
    return {
        "ra": ra,
        "dec": dec,
        "raErr": np.sqrt(sky[:, 0, 0]),
        "decErr": np.sqrt(sky[:, 1, 1]),
        "ra_dec_Cov": sky[:, 0, 1],
    }
