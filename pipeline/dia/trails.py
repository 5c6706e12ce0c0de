"""Trails: sources that moved along a line while the shutter was open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.detection.detect import Detections
from skyassay.pipeline.dia.fit import Floats, Points
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.dia.shapes_kernel import fit_shape
from skyassay.pipeline.dia.stamps import Stamp, cut
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel

#: Widest half side of a stamp, pixel.
MOST_HALF = 90
#: Ratio of the axes' variances beyond which several peaks may be one trail.
LONG = 4.0
#: A footprint of fewer pixels has no direction.
LEAST_AREA = 10
#: Gain in chi-square over points, and length over its error, of a trail at least.
GAIN, SURE = 16.0, 3.0
#: What each further peak may gain over the trail: three parameters of noise.
PER_PEAK = 10.0


@dataclass(frozen=True)
class Trail:
    """A line of even brightness seen through the PSF; pixels and electrons.

    Attributes
    ----------
    members : tuple of int
        The bright sources that it is; the first one stands for it.
    flux, flux_error : float
    x, y, x_error, y_error, covariance : float
        Of its middle.
    length, length_error : float
    angle, angle_error : float
        From the x axis to the y axis, -90 to 90 degrees.
    chi2 : float
    count : int
        Pixels of the fit.
    edge : bool
        Pixels are missing.
    """

    members: tuple[int, ...]
    flux: float
    flux_error: float
    x: float
    y: float
    x_error: float
    y_error: float
    covariance: float
    length: float
    length_error: float
    angle: float
    angle_error: float
    chi2: float
    count: int
    edge: bool


@dataclass(frozen=True)
class Guess:
    """Where a trail may be: its sources, middle, and the vector from there to one end."""

    members: tuple[int, ...]
    x: float
    y: float
    dx: float
    dy: float


def fit_trails(
    plane: Plane,
    residual: Floats,
    bright: Points,
    found: Detections,
    moments: Floats,
    model: Floats,
    psf: PsfModel,
    fwhm: float,
    options: Options,
) -> list[Trail]:
    """Return the trails among the bright sources.

    Parameters
    ----------
    plane, residual, bright, found
        Of the difference image.
    moments, model : ndarray, shape (n, 3)
        ixx, ixy, iyy of the sources (NaN where unknown) and of the PSF there, pixel**2.
    psf : PsfModel
    fwhm : float
        Pixel.
    options : Options
    """
    guesses = guess_single(bright, found, moments, model, options)
    guesses += guess_footprints(found, moments, fwhm)
    made = []
    for guess in guesses:
        half = int(np.ceil(np.hypot(guess.dx, guess.dy) + 3.0 * fwhm))
        if half > MOST_HALF:
            continue
        members = [(bright, k) for k in guess.members]
        stamp = cut(plane, residual, psf, (guess.x, guess.y), half, members)
        trail = _fit(stamp, guess, psf)
        if trail is not None:
            made.append(trail)
    return made


def guess_single(
    bright: Points, found: Detections, moments: Floats, model: Floats, options: Options
) -> list[Guess]:
    """Return sources alone in their footprint that are longer than the PSF along one axis."""
    alone = np.bincount(found.parent, minlength=1)[found.parent] == 1
    made = []
    for k in np.flatnonzero(alone & np.isfinite(moments).all(axis=1)):
        long, short, ux, uy = axes(*moments[k])
        own = model[k, 0] * ux * ux + 2.0 * model[k, 1] * ux * uy + model[k, 2] * uy * uy
        # The error of a variance under its matching weight, for Gaussians in sky noise.
        significance = (long / own - 1.0) * found.snr[k] / 2.0
        if significance < options.elongation or long < 1.2 * short:
            continue
        reach = np.sqrt(3.0 * (long - own))
        x, y = bright.column[k] + bright.x[k], bright.row[k] + bright.y[k]
        made.append(Guess((int(k),), float(x), float(y), float(reach * ux), float(reach * uy)))
    return made


def guess_footprints(found: Detections, moments: Floats, fwhm: float) -> list[Guess]:
    """Return long and narrow footprints of several peaks, or of one whose moments failed."""
    count = np.bincount(found.parent, minlength=1)
    failed = np.zeros(len(count), dtype=np.bool_)
    failed[found.parent[~np.isfinite(moments).all(axis=1)]] = True
    made = []
    for parent, (y, x) in _pixels(found, (count > 1) | failed):
        if len(x) < LEAST_AREA:
            continue
        members = tuple(int(k) for k in np.flatnonzero(found.parent == parent))
        covariance = np.cov(np.stack([x, y]))
        long, short, ux, uy = axes(covariance[0, 0], covariance[0, 1], covariance[1, 1])
        if long < LONG * short:
            continue
        reach = max(np.sqrt(3.0 * long) - 0.5 * fwhm, 1.0)
        made.append(
            Guess(members, float(x.mean()), float(y.mean()), float(reach * ux), float(reach * uy))
        )
    return made


def _pixels(
    found: Detections, wanted: NDArray[np.bool_]
) -> Iterator[tuple[int, tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """Yield the wanted footprints, each with rows and columns of its pixels.

    One pass over the image for all of them: a dense field has thousands.
    """
    row, column = np.nonzero(found.basin)
    parent = found.parent[found.basin[row, column] - 1]
    use = wanted[parent]
    row, column, parent = row[use], column[use], parent[use]
    order = np.argsort(parent, kind="stable")
    names, first = np.unique(parent[order], return_index=True)
    for name, mine in zip(names, np.split(order, first[1:]), strict=False):
        yield int(name), (row[mine], column[mine])


def axes(xx: float, xy: float, yy: float) -> tuple[float, float, float, float]:
    """Return the larger and smaller variance, and the direction of the larger one."""
    middle, spread = 0.5 * (xx + yy), float(np.hypot(0.5 * (xx - yy), xy))
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    return middle + spread, middle - spread, float(np.cos(angle)), float(np.sin(angle))


def _fit(stamp: Stamp, guess: Guess, psf: PsfModel) -> Trail | None:
    """Return the trail, or None where points explain the stamp as well."""
    light = float((stamp.points * (stamp.weight > 0.0)).sum())
    start = np.array(
        [max(light, 1e-3), guess.x - stamp.column, guess.y - stamp.row, guess.dx, guess.dy]
    )
    reach = float(stamp.half)
    low = np.array([0.0, -reach, -reach, -reach, -reach])
    high = np.array([np.inf, reach, reach, reach, reach])
    covariance: NDArray[np.float64] = np.full((5, 5), np.nan)
    chi2 = fit_shape(
        stamp.light, stamp.weight, start, low, high, stamp.shape, psf.table, PER_STEP,
        psf.bump, covariance,
    )  # fmt: skip
    points = float((stamp.weight * (stamp.light - stamp.points) ** 2).sum())
    needed = GAIN if len(guess.members) == 1 else -PER_PEAK * (len(guess.members) - 1)
    half_length = float(np.hypot(start[3], start[4]))
    if not (points - chi2 > needed and half_length > 0.0 and np.isfinite(covariance).all()):
        return None
    along = start[3:] / half_length
    across = np.array([-along[1], along[0]])
    spread = covariance[3:, 3:]
    length_error = 2.0 * float(np.sqrt(along @ spread @ along))
    angle_error = float(np.degrees(np.sqrt(across @ spread @ across) / half_length))
    if not 2.0 * half_length > SURE * length_error:
        return None
    angle = float(np.degrees(np.arctan2(start[4], start[3])))
    angle = (angle + 90.0) % 180.0 - 90.0
    return Trail(
        guess.members, float(start[0]), float(np.sqrt(covariance[0, 0])),
        float(stamp.column + start[1]), float(stamp.row + start[2]),
        float(np.sqrt(covariance[1, 1])), float(np.sqrt(covariance[2, 2])),
        float(covariance[1, 2]), 2.0 * half_length, length_error, angle, angle_error,
        float(chi2), int((stamp.weight > 0.0).sum()), stamp.cut_off,
    )  # fmt: skip
