"""Faint stars: where half are found, and whether quoted errors are those of the scatter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Check, Wanted, has_holes, robust_width
from skyassay.verify.closure.images import same_images
from skyassay.verify.closure.matching import Table, crowding, match
from skyassay.verify.closure.stars import ALONE, CROWDED, Stars, number

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: S/N of the stars whose pulls are taken: fainter ones are chosen by their noise, for brighter
#: ones zero points and coordinates count too.
PULLS = (15.0, 100.0)
MIN_PULLS = 200
#: Stars within so many magnitudes of the predicted limit; nearer to the border they are cut.
AROUND, BORDER = 1.5, 25.0
MIN_FAINT = 100
#: S/N that detection asks for: where half of the stars are found when the noise is as predicted.
THRESHOLD = 5.0
DEPTH = Wanted("completeness_50_less_predicted", "mag", -0.1, 0.1)
MEAN = Wanted("flux_pull_mean", "")
WIDTH = Wanted("flux_pull_width", "", 0.9, 1.1)
PLACE_MEAN = Wanted("position_pull_mean", "")
PLACE_WIDTH = Wanted("position_pull_width", "", 0.9, 1.1)


def pull_checks(stars: Stars, band: str) -> list[Check]:
    """Return mean and width of the pulls of flux and position of one band."""
    flux, place = pulls(stars)
    found: list[Check] = []
    for values, mean, width in ((flux, MEAN, WIDTH), (place, PLACE_MEAN, PLACE_WIDTH)):
        good = values[np.isfinite(values)]
        if has_holes(values) or len(good) < MIN_PULLS:
            reason = "numbers_missing" if has_holes(values) else "too_few_stars"
            found += [w.missing(band, reason, len(good)) for w in (mean, width)]
            continue
        values = good
        error = float(values.std(ddof=1) / np.sqrt(len(values)))
        found.append(mean.judged(band, float(np.median(values)), 1.2533 * error, len(values)))
        found.append(width.judged(band, *robust_width(values), len(values)))
    return found


def pulls(stars: Stars) -> tuple[Floats, Floats]:
    """Return the pulls of fluxes, and of positions along both axes; some may be NaN."""
    some = stars.where((stars.snr > PULLS[0]) & (stars.snr < PULLS[1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.r_[some.east / some.east_error, some.north / some.north_error]
    return some.flux_pull, place


def faint_stars(
    source: Table, truth: Table, said: Table, true: Table
) -> Mapping[str, NDArray[Any]]:
    """Return the true stars around the predicted limit: band, predicted S/N, whether found.

    Parameters
    ----------
    source, truth, said, true : mapping
        `source`, `truth_source`, `visit_detector_table` (``xSize``, ``ySize``) and
        `truth_visit_detector` (``magLim``: where the S/N of the PSF flux is 5 by the true PSF
        area and sky noise).
    """
    seen = np.zeros(len(truth["visit"]), dtype=bool)
    seen[match(source, truth).truth] = True
    key = [np.asarray(truth[n]).astype(np.int64) for n in ("visit", "detector")]
    limit, width, height = _of_image(key[0] * 1000 + key[1], said, true)
    mag, x, y = (number(truth, n) for n in ("mag", "x", "y"))
    with np.errstate(invalid="ignore"):
        inside = (x > BORDER) & (x < width - 1 - BORDER) & (y > BORDER) & (y < height - 1 - BORDER)
        use = inside & (np.abs(mag - limit) < AROUND) & np.asarray(truth["isStar"]).astype(bool)
    use &= crowding(truth, CROWDED) <= 50.0 * ALONE
    band = np.asarray(truth["band"]).astype(str)
    snr = THRESHOLD * 10.0 ** (-0.4 * (mag[use] - limit[use]))
    return {"band": band[use], "snr": snr, "found": seen[use]}


def _of_image(key: NDArray[np.int64], said: Table, true: Table) -> tuple[Floats, Floats, Floats]:
    """Return limit, columns and rows of the image of each key; NaN where it was not processed."""
    rows, real = same_images(said, true)
    known = np.asarray(said["visit"]).astype(np.int64)[rows] * 1000
    known = known + np.asarray(said["detector"]).astype(np.int64)[rows]
    if not len(known):
        nothing = np.full(len(key), np.nan)
        return nothing, nothing, nothing
    at = np.clip(np.searchsorted(known, key), 0, len(known) - 1)
    there = known[at] == key
    columns = (number(true, "magLim")[real], *(number(said, n)[rows] for n in ("xSize", "ySize")))
    limit, width, height = (np.where(there, c[at], np.nan) for c in columns)
    return limit, width, height


def depth_check(snr: Floats, found: Bools, band: str) -> Check:
    """Return by how much the magnitude at which half are found misses the prediction."""
    if len(snr) < MIN_FAINT or found.all() or not found.any():
        return DEPTH.missing(band, "too_few_faint_stars", len(snr))
    half, error = half_point(snr, found)
    if not (np.isfinite(half) and half > 0.0):
        return DEPTH.missing(band, "no_falling_curve", len(snr))
    shift = -2.5 * np.log10(half / THRESHOLD)
    return DEPTH.judged(band, float(shift), float(2.5 / np.log(10.0) * error / half), len(snr))


def half_point(snr: Floats, found: Bools, ceiling: float = 1.0) -> tuple[float, float]:
    """Return the S/N at which half are found, and its standard error.

    Maximum likelihood of ``P = ceiling * Phi((snr - half) / width)``: with normal noise of unit
    width a star is found when its measured S/N exceeds the threshold, so the curve is a normal
    one in S/N, not in magnitude.

    Parameters
    ----------
    snr, found : ndarray, shape (n,)
    ceiling : float
        Share that is found however bright: the rest are where nothing can be.
    """
    from scipy.optimize import minimize
    from scipy.special import log_ndtr, ndtr

    def loss(p: Floats) -> float:
        z = (snr - p[0]) * np.exp(-p[1])
        lost = log_ndtr(-z) if ceiling >= 1.0 else np.log1p(-ceiling * ndtr(z))
        return -float(np.where(found, np.log(ceiling) + log_ndtr(z), lost).sum())

    best = minimize(loss, np.array([THRESHOLD, 0.0]), method="Nelder-Mead")
    if not best.success:
        return float("nan"), float("nan")
    step = np.array([1e-2, 1e-2])
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = step * (np.arange(2) == i), step * (np.arange(2) == j)
            corners = loss(best.x + a + b) - loss(best.x + a - b) - loss(best.x - a + b)
            hessian[i, j] = (corners + loss(best.x - a - b)) / (4.0 * step[i] * step[j])
    if not np.linalg.det(hessian) > 0.0:
        return float(best.x[0]), float("nan")
    return float(best.x[0]), float(np.sqrt(np.linalg.inv(hessian)[0, 0]))
