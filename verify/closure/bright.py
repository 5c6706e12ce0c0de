"""Bright stars: offsets from the truth per detector, and scatter against the quoted errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import Check, Wanted, groups, has_holes, robust_width
from skyassay.verify.closure.stars import Stars

Floats = NDArray[np.float64]
#: Stars of a detector, over all its visits, without which it has no offset of its own.
MIN_DETECTOR = 10
#: Measurements without which a band has no scatter.
MIN_STARS = 50
BRIGHT = 200.0
PHOTOMETRIC = (
    Wanted("photometric_bias", "mmag", -3.0, 3.0),
    Wanted("photometric_scatter_over_expected", "", None, 1.2),
)
ASTROMETRIC = (
    Wanted("astrometric_bias", "mas", -5.0, 5.0),
    Wanted("astrometric_scatter_over_expected", "", None, 1.3),
)
PSF_SIZE = Wanted("psf_size_residual", "%", -0.5, 0.5)


@dataclass(frozen=True)
class Offsets:
    """Residuals of one kind.

    Attributes
    ----------
    value, error : ndarray, shape (n,)
        Measured less true, and its quoted error.
    visit, detector : ndarray, shape (n,)
    """

    value: Floats
    error: Floats
    visit: NDArray[np.int64]
    detector: NDArray[np.int64]

    def finite(self) -> Offsets:
        """Return the rows with numbers, errors above zero."""
        good = np.isfinite(self.value) & np.isfinite(self.error)
        good &= np.where(good, self.error, 0.0) > 0.0
        return Offsets(self.value[good], self.error[good], self.visit[good], self.detector[good])


def bright_checks(stars: Stars, band: str) -> list[Check]:
    """Return the photometric and astrometric checks of one band, from stars with S/N > 200.

    Parameters
    ----------
    stars : Stars
        Of the band.
    """
    some = stars.where(stars.snr > BRIGHT)
    places = (some.visit, some.detector)
    flux = [Offsets(some.dmag, some.dmag_error, *places)]
    axes = [
        Offsets(some.east, some.east_error, *places),
        Offsets(some.north, some.north_error, *places),
    ]
    return [
        _bias(PHOTOMETRIC[0], band, flux),
        _scatter(PHOTOMETRIC[1], band, flux),
        _bias(ASTROMETRIC[0], band, axes),
        _scatter(ASTROMETRIC[1], band, axes),
    ]


def _bias(wanted: Wanted, band: str, kinds: list[Offsets]) -> Check:
    """Return the offset of the detector (and axis) that is farthest from the truth."""
    found: list[tuple[float, float, str]] = []
    for axis, one in zip(
        ("", "north") if len(kinds) == 1 else ("east", "north"), kinds, strict=False
    ):
        for detector in np.unique(one.detector):
            mine = one.detector == detector
            if mine.sum() >= MIN_DETECTOR:
                mean, error = clustered(one.value[mine], one.visit[mine])
                found.append((mean, error, f"detector {detector} {axis}".strip()))
    n = sum(len(one.value) for one in kinds)
    if not found:
        return wanted.missing(band, "too_few_stars", n)
    mean, error, where = max(found, key=lambda item: abs(item[0]))
    return wanted.judged(band, mean, error, n, where)


def _scatter(wanted: Wanted, band: str, kinds: list[Offsets]) -> Check:
    """Return the scatter about the mean of each image, over what the quoted errors expect.

    The mean of an image is its zero point's or its coordinates' own error, which the bias and
    the zero points are about. Robust: of residuals over their errors, a residual from the mean of
    n stars being smaller by sqrt(1 - w) with w the star's weight in it.
    """
    if any(has_holes(one.value + one.error) for one in kinds):
        return wanted.missing(band, "numbers_missing", len(kinds[0].value))
    pulls = np.concatenate([_pulls(one.finite()) for one in kinds])
    if len(pulls) < MIN_STARS:
        return wanted.missing(band, "too_few_stars", len(pulls))
    return wanted.judged(band, *robust_width(pulls), len(pulls))


def _pulls(one: Offsets) -> Floats:
    """Return residuals from the weighted mean of their image, in units of their own error."""
    if not len(one.value):
        return np.empty(0)
    image = groups((one.visit, one.detector))
    weight = 1.0 / one.error**2
    total = np.bincount(image, weight)
    mean = np.bincount(image, weight * one.value) / total
    left = 1.0 - weight / total[image]
    many = left > 0.05  # a star that is alone, or nearly, is its own mean
    residual = (one.value - mean[image])[many]
    return np.asarray(residual / (one.error[many] * np.sqrt(left[many])))


def clustered(value: Floats, visit: NDArray[np.int64]) -> tuple[float, float]:
    """Return a mean and its standard error; measurements of one visit share an error."""
    mean = float(value.mean())
    names, index = np.unique(visit, return_inverse=True)
    if len(names) < 2:
        return mean, float("nan")
    sums = np.bincount(index.ravel(), value - mean)
    correction = len(names) / (len(names) - 1.0)
    return mean, float(np.sqrt(correction * np.square(sums).sum())) / len(value)


def psf_checks(stars: Stars, band: str) -> list[Check]:
    """Return how much larger than the model the reserved bright stars are, in the worst detector.

    The residual is of the size, ``sqrt((ixx + iyy) / 2)``, relative, %.
    """
    some = stars.where((stars.snr > BRIGHT) & stars.reserved)
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = 100.0 * (some.size - some.psf_size) / some.size
    if has_holes(residual):
        return [PSF_SIZE.missing(band, "numbers_missing", len(residual))]
    good = np.isfinite(residual)
    residual, visit, detector = residual[good], some.visit[good], some.detector[good]
    found: list[tuple[float, float, str]] = []
    for one in np.unique(detector):
        mine = detector == one
        if mine.sum() >= MIN_DETECTOR:
            mean, error = clustered(residual[mine], visit[mine])
            found.append((mean, error, f"detector {one}"))
    if not found:
        return [PSF_SIZE.missing(band, "too_few_reserved_stars", len(residual))]
    mean, error, where = max(found, key=lambda item: abs(item[0]))
    return [PSF_SIZE.judged(band, mean, error, len(residual), where)]
