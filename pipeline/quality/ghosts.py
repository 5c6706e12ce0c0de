"""Ghosts: how much of an image has a smooth light that changes faster than its noise allows.

LSE-61 asks for the share of the area in which the surface brightness changes by more than a
third of the sky noise over 1 arcsec (DMS-REQ-0359, GhostAF).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Median absolute deviation of a normal distribution in units of its standard deviation.
_MAD = 0.6744897501960817


@dataclass(frozen=True)
class GhostChoice:
    """How the gradient is taken.

    Attributes
    ----------
    threshold : float
        Change over `scale` that counts, in units of the noise of the sky in a pixel.
    scale : float
        arcsec.
    smoothing : float
        Standard deviation of the Gaussian window in which a plane is fitted, arcsec.
    grow : float
        How far around sources is left out, arcsec.
    binning : int
        Pixels along a side that are averaged first: the window is wide, so nothing is lost.
    min_covered : float
        Smallest share of the window that must be usable.
    """

    threshold: float = 1.0 / 3.0
    scale: float = 1.0
    smoothing: float = 0.8
    grow: float = 2.0
    binning: int = 2
    min_covered: float = 0.7


@dataclass(frozen=True)
class GhostArea:
    """What was found; areas in pixels of the image.

    Attributes
    ----------
    n_pixel : int
        Pixels in which the gradient is known.
    n_ghost : int
        Those of them in which it is beyond the threshold.
    sky_noise : float
        Noise of the sky in a pixel, in the image's unit; NaN where nothing could be measured.
    """

    n_pixel: int
    n_ghost: int
    sky_noise: float


def ghost_area(
    image: NDArray[Any],
    usable: Bools,
    sources: Bools,
    pixel_scale: float,
    choice: GhostChoice | None = None,
) -> GhostArea:
    """Return how much of an image has a gradient beyond the threshold.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
        Background-subtracted. A ghost that the background model took up is none any more:
        what is counted is what is left in the image.
    usable : ndarray of bool, shape (ny, nx)
        Pixels with data.
    sources : ndarray of bool, shape (ny, nx)
        Footprints of detections; they and their surroundings are left out.
    pixel_scale : float
        arcsec per pixel.
    choice : GhostChoice, optional

    Notes
    -----
    In a Gaussian window of standard deviation s (pixels) the slope of a fitted plane has the
    noise ``sigma / (sqrt(8 pi) s^2)`` in each direction, so over 1 arcsec of L pixels the share
    of pure noise beyond the threshold t is ``exp(-4 pi t^2 s^4 / L^2)``: 8e-7 for the default
    window of 4 pixels of 0.2 arcsec. A step of height h shows its slope as
    ``h / (sqrt(2 pi) s)``: found when it is above 0.67 sigma.
    """
    choice = choice or GhostChoice()
    good = usable & np.isfinite(image)
    grown = _grown(sources, max(round(choice.grow / pixel_scale), 0))
    good &= ~grown
    noise = sky_noise(image, good)
    if not noise > 0.0:
        return GhostArea(0, 0, float("nan"))
    mean, weight = _binned(image, good, choice.binning)
    per_bin = pixel_scale * choice.binning
    slope, covered = slopes(mean, weight, choice.smoothing / per_bin)
    known = (covered >= choice.min_covered) & (weight > 0.0)
    beyond = known & (slope * choice.scale / per_bin > choice.threshold * noise)
    pixels = choice.binning**2
    return GhostArea(int(known.sum()) * pixels, int(beyond.sum()) * pixels, noise)


def sky_noise(image: NDArray[Any], good: Bools) -> float:
    """Return the noise of the sky in a pixel: from differences of neighbours, robustly.

    Parameters
    ----------
    image : ndarray, shape (ny, nx)
    good : ndarray of bool, shape (ny, nx)

    Notes
    -----
    The difference of two pixels side by side has sqrt(2) times the noise of one; a smooth
    ghost drops out of it. NaN with fewer than 100 pairs.
    """
    both = good[:, 1:] & good[:, :-1]
    if both.sum() < 100:
        return float("nan")
    difference = (image[:, 1:] - image[:, :-1])[both].astype(np.float64)
    return float(np.median(np.abs(difference)) / _MAD / np.sqrt(2.0))


def slopes(mean: Floats, weight: Floats, width: float) -> tuple[Floats, Floats]:
    """Return the length of the gradient of a plane fitted around every pixel, and the coverage.

    Parameters
    ----------
    mean : ndarray, shape (ny, nx)
        Values; those of weight 0 are not looked at.
    weight : ndarray, shape (ny, nx)
        0 to 1.
    width : float
        Standard deviation of the Gaussian window, pixels.

    Returns
    -------
    slope : ndarray, shape (ny, nx)
        Per pixel; 0 where the window holds no plane.
    covered : ndarray, shape (ny, nx)
        Weighted share of the window with data; outside the image there are none.

    Notes
    -----
    Moments about each pixel come from convolutions with the window and its first two moments,
    which are derivatives of it: ``sum g d f = s^2 d(g*f)/dx`` and
    ``sum g d^2 f = s^4 d2(g*f)/dx2 + s^2 (g*f)``.
    """
    s2 = width * width

    def moment(values: Floats, rows: int, columns: int) -> Floats:
        order = (rows, columns)
        made = gaussian_filter(values, width, order=order, mode="constant", truncate=4.0)
        return np.asarray(made)

    filled = np.where(weight > 0.0, mean, 0.0) * weight
    w = moment(weight, 0, 0)
    wx, wy = s2 * moment(weight, 0, 1), s2 * moment(weight, 1, 0)
    wxx = s2 * s2 * moment(weight, 0, 2) + s2 * w
    wyy = s2 * s2 * moment(weight, 2, 0) + s2 * w
    wxy = s2 * s2 * moment(weight, 1, 1)
    f = moment(filled, 0, 0)
    fx, fy = s2 * moment(filled, 0, 1), s2 * moment(filled, 1, 0)
    return _plane(w, wx, wy, wxx, wyy, wxy, f, fx, fy), w


def _plane(
    w: Floats,
    wx: Floats,
    wy: Floats,
    wxx: Floats,
    wyy: Floats,
    wxy: Floats,
    f: Floats,
    fx: Floats,
    fy: Floats,
) -> Floats:
    """Return the slope of the weighted least-squares plane in every window."""
    with np.errstate(invalid="ignore", divide="ignore"):
        xx, yy, xy = wxx - wx * wx / w, wyy - wy * wy / w, wxy - wx * wy / w
        gx, gy = fx - wx * f / w, fy - wy * f / w
        determinant = xx * yy - xy * xy
        a = (yy * gx - xy * gy) / determinant
        b = (xx * gy - xy * gx) / determinant
        slope = np.hypot(a, b)
    return np.where(np.isfinite(slope), slope, 0.0)


def _binned(image: NDArray[Any], good: Bools, side: int) -> tuple[Floats, Floats]:
    """Return means of good pixels in blocks, and the share of good pixels in each."""
    ny, nx = (n // side * side for n in image.shape)
    shape = (ny // side, side, nx // side, side)
    mine = good[:ny, :nx].reshape(shape)
    values = np.where(good[:ny, :nx], image[:ny, :nx], 0.0).astype(np.float64).reshape(shape)
    number = mine.sum(axis=(1, 3)).astype(np.float64)
    mean = values.sum(axis=(1, 3)) / np.maximum(number, 1.0)
    return mean, number / side**2


def _grown(mask: Bools, pixels: int) -> Bools:
    """Return a mask grown in all directions."""
    if not pixels or not mask.any():
        return mask
    # A diamond and a square in turn make an octagon.
    grown = mask
    for step in range(pixels):
        square = np.ones((3, 3), dtype=bool) if step % 2 else None
        grown = binary_dilation(grown, structure=square)
    return np.asarray(grown)
