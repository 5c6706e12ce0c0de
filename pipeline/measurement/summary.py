"""Numbers that sum up the image of a detector, as in Rubin's visit_detector_table."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.background.model import Background
from skyassay.pipeline.measurement.aperture_correction import ApertureCorrection
from skyassay.pipeline.measurement.apertures import circle_sums
from skyassay.pipeline.psf.model import PsfModel

#: Step (pixel) of the grid on which the models are compared over the detector.
STEP = 96


def summarise(
    background: Background,
    psf: PsfModel,
    correction: ApertureCorrection,
    stars: Table,
    good: NDArray[np.bool_],
) -> dict[str, float]:
    """Return the summary of one detector.

    Parameters
    ----------
    background : Background
    psf : PsfModel
    correction : ApertureCorrection
    stars : Table
        PSF stars; those with `calib_psf_used` count.
    good : ndarray of bool, shape (ny, nx)

    Returns
    -------
    dict
        Sizes in pixels, sky in electrons per pixel, ellipticities (xx - yy) / (xx + yy).
        A value that cannot be had is NaN.
    """
    used = stars[np.asarray(stars["calib_psf_used"], dtype=np.bool_)]
    ny, nx = psf.shape
    xx, xy, yy = (float(v) for v in psf.moments((nx - 1) / 2, (ny - 1) / 2)[0])
    stamp = psf.kernel((nx - 1) / 2, (ny - 1) / 2)
    sigma = (xx * yy - xy * xy) ** 0.25
    return {
        "psfSigma": sigma,
        "psfIxx": xx,
        "psfIyy": yy,
        "psfIxy": xy,
        "psfArea": float(stamp.sum() ** 2 / (stamp**2).sum()),
        "skyBg": float(np.median(background.level)),
        "skyNoise": float(np.sqrt(np.median(background.noise**2))),
        "nPsfStar": float(len(used)),
        **_star_residuals(used),
        **_over_detector(psf, correction, used, good, sigma),
    }


def _shape(table: Table, tail: str) -> tuple[NDArray[np.float64], ...]:
    """Return e1, e2 and determinant radius from the moments of a table."""
    xx, xy, yy = (
        np.asarray(table[name + tail], dtype=np.float64) for name in ("ixx", "ixy", "iyy")
    )
    return (xx - yy) / (xx + yy), 2.0 * xy / (xx + yy), (xx * yy - xy * xy) ** 0.25


def _spread(values: NDArray[np.float64]) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _star_residuals(used: Table) -> dict[str, float]:
    e1, e2, size = _shape(used, "")
    p1, p2, psf_size = _shape(used, "PSF")
    there = np.isfinite(size)
    names = ("psfStarDeltaE1", "psfStarDeltaE2", "psfStarDeltaSize")
    if not there.any():
        tails = ("Median", "Scatter")
        made = {n + tail: float("nan") for n in names for tail in tails}
        return made | {"psfStarScaledDeltaSizeScatter": float("nan"), "starEMedian": float("nan")}
    made = {}
    for name, star, model in zip(names, (e1, e2, size), (p1, p2, psf_size), strict=True):
        delta = (star - model)[there]
        made[f"{name}Median"] = float(np.median(delta))
        made[f"{name}Scatter"] = _spread(delta)
    median = float(np.median(size[there]))
    made["psfStarScaledDeltaSizeScatter"] = made["psfStarDeltaSizeScatter"] / median**2
    made["starEMedian"] = float(np.median(np.hypot(e1, e2)[there]))
    return made


def _over_detector(
    psf: PsfModel,
    correction: ApertureCorrection,
    used: Table,
    good: NDArray[np.bool_],
    sigma: float,
) -> dict[str, float]:
    """Return how much the models change over the good pixels of a grid."""
    ny, nx = psf.shape
    grid = np.meshgrid(
        np.arange(STEP // 2, ny, STEP), np.arange(STEP // 2, nx, STEP), indexing="ij"
    )
    row, column = (axis.ravel() for axis in grid)
    seen = good[row, column]
    x, y = column[seen].astype(np.float64), row[seen].astype(np.float64)
    names = ("psfTraceRadiusDelta", "psfApFluxDelta", "psfApCorrSigmaScaledDelta")
    if not len(x):
        return dict.fromkeys((*names, "maxDistToNearestPsf"), float("nan"))
    moments = psf.moments(x, y)
    radius = np.sqrt(0.5 * (moments[:, 0] + moments[:, 2]))
    held = [_aperture_flux(psf, a, b, max(2.0, 3.0 * sigma)) for a, b in zip(x, y, strict=True)]
    factor = correction.at("psfFlux", x, y)
    made = dict(
        zip(names, map(float, (np.ptp(radius), np.ptp(held), np.ptp(factor) / sigma)), strict=True)
    )
    place = np.column_stack([np.asarray(used["x"]), np.asarray(used["y"])])
    distance, _ = cKDTree(place).query(np.column_stack([x, y]))
    return made | {"maxDistToNearestPsf": float(np.max(distance))}


def _aperture_flux(psf: PsfModel, x: float, y: float, radius: float) -> float:
    stamp, centre = psf.kernel(x, y).astype(np.float32), np.array([float(psf.half)])
    return float(circle_sums(stamp, centre, centre, (radius,))[0, 0])
