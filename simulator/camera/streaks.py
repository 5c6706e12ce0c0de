"""Trails of satellites across the focal plane."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from skyassay.pipeline.instrument.camera import Camera, Detector
from skyassay.simulator.random import rng

Floats = NDArray[np.float32]
#: Exponent of Moffat's profile; 3 is near that of the atmosphere's core and inner wings.
MOFFAT_BETA = 3.0
#: Beyond this many full widths the trail has under 1e-3 of its central brightness.
_FAR = 4.0


@dataclass(frozen=True)
class Streak:
    """A trail right across the focal plane.

    Attributes
    ----------
    x, y : float
        A point on it, degrees in the focal plane.
    angle : float
        Its direction from +x towards +y, degrees.
    electrons : float
        Electrons per pixel of its length, summed across it.
    """

    x: float
    y: float
    angle: float
    electrons: float


def draw_streaks(
    camera: Camera,
    seed: int,
    exposure_id: int,
    *,
    mean: float,
    electrons: tuple[float, float],
) -> tuple[Streak, ...]:
    """Return the trails of an exposure, the same for all its detectors.

    Parameters
    ----------
    camera : Camera
    seed, exposure_id : int
    mean : float
        Trails per exposure that come by the middle of the focal plane.
    electrons : tuple of float
        Range of brightness, electrons per pixel of length, uniform in its logarithm.
    """
    stream = rng(seed, "streaks", exposure_id)
    radius = max(np.hypot(d.x, d.y) for d in camera.detectors) or 0.1
    low, high = np.log(electrons)
    return tuple(
        Streak(
            x=float(stream.uniform(-radius, radius)),
            y=float(stream.uniform(-radius, radius)),
            angle=float(stream.uniform(0.0, 180.0)),
            electrons=float(np.exp(stream.uniform(low, high))),
        )
        for _ in range(int(stream.poisson(mean)))
    )


def offset(streak: Streak, detector: Detector, pixel_scale: float) -> float:
    """Return the distance of the detector's centre from the trail, pixels, with its sign."""
    turn = np.radians(streak.angle)
    across = (detector.y - streak.y) * np.cos(turn) - (detector.x - streak.x) * np.sin(turn)
    return float(across * 3600.0 / pixel_scale)


def streak_electrons(
    streaks: Iterable[Streak], detector: Detector, pixel_scale: float, fwhm: float
) -> tuple[Floats, tuple[Streak, ...]]:
    """Draw the trails that cross a detector.

    A Moffat profile of exponent beta, summed along a line, is one of exponent beta - 1/2
    across it.

    Parameters
    ----------
    streaks : iterable of Streak
    detector : Detector
    pixel_scale : float
        Arcsec per pixel.
    fwhm : float
        Of a star, pixels.

    Returns
    -------
    image : ndarray of float32, shape (ny, nx)
        Expected electrons.
    crossing : tuple of Streak
        Those that leave more than a thousandth of their brightness on the detector.
    """
    image = np.zeros((detector.ny, detector.nx), dtype=np.float32)
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / MOFFAT_BETA) - 1.0))
    power = MOFFAT_BETA - 0.5
    peak = gamma(power) / (np.sqrt(np.pi) * gamma(power - 0.5) * alpha)
    x = np.arange(detector.nx) - (detector.nx - 1) / 2.0
    y = np.arange(detector.ny) - (detector.ny - 1) / 2.0
    crossing = []
    for streak in streaks:
        turn = np.radians(streak.angle)
        distance = offset(streak, detector, pixel_scale)
        distance = distance + y[:, None] * np.cos(turn) - x * np.sin(turn)
        near = np.abs(distance) < _FAR * fwhm
        if not near.any():
            continue
        profile = peak * (1.0 + (distance[near] / alpha) ** 2) ** -power
        image[near] += (streak.electrons * profile).astype(np.float32)
        crossing.append(streak)
    return image, tuple(crossing)
