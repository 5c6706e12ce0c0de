"""Images: zero points and PSF sizes against what they really were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Check, Wanted
from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.stars import MMAG, number

Floats = NDArray[np.float64]
MIN_IMAGES = 5
ZERO_POINT = Wanted("zero_point_rms", "mmag", None, 3.0)
ZERO_MEAN = Wanted("zero_point_mean", "mmag")
PSF_TRUTH = Wanted("psf_sigma_over_true", "%")


def image_checks(said: Table, true: Table, band: str) -> list[Check]:
    """Return the checks of zero points and PSF sizes of one band.

    Parameters
    ----------
    said : mapping
        `visit_detector_table`.
    true : mapping
        `truth_visit_detector`.
    """
    rows, real = same_images(said, true)
    mine = np.asarray(said["band"]).astype(str)[rows] == band
    rows, real = rows[mine], real[mine]
    error = MMAG * (number(said, "zeroPoint")[rows] - number(true, "zeroPoint")[real])
    found = [*_zero_points(error, band)]
    if "psfSigma" in said and "psfSigma" in true:
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = number(said, "psfSigma")[rows] / number(true, "psfSigma")[real]
        found.append(_mean(PSF_TRUTH, band, 100.0 * (ratio - 1.0)))
    return found


def same_images(said: Table, true: Table) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of both tables that are of one visit and detector."""
    mine, theirs = (
        np.asarray(t["visit"]).astype(np.int64) * 1000 + np.asarray(t["detector"]).astype(np.int64)
        for t in (said, true)
    )
    _, rows, real = np.intersect1d(mine, theirs, return_indices=True)
    return rows, real


def _zero_points(error: Floats, band: str) -> list[Check]:
    """Return the root mean square, an offset of all included, and the offset itself."""
    good = error[np.isfinite(error)]
    lost = len(error) - len(good)
    if lost or len(good) < MIN_IMAGES:
        reason = "zero_points_missing" if lost else "too_few_images"
        return [w.missing(band, reason, len(good)) for w in (ZERO_POINT, ZERO_MEAN)]
    rms = float(np.sqrt(np.mean(good**2)))
    return [
        ZERO_POINT.judged(band, rms, rms / np.sqrt(2.0 * len(good)), len(good)),
        _mean(ZERO_MEAN, band, good),
    ]


def _mean(wanted: Wanted, band: str, values: Floats) -> Check:
    good = values[np.isfinite(values)]
    if len(good) < MIN_IMAGES:
        return wanted.missing(band, "too_few_images", len(good))
    error = float(good.std(ddof=1) / np.sqrt(len(good)))
    return wanted.judged(band, float(good.mean()), error, len(good))
