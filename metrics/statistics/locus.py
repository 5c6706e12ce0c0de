"""Straight lines through colours, and how far stars lie from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Of a normal distribution: standard deviation over interquartile range, and over median
#: absolute deviation.
IQR_SIGMA, MAD_SIGMA = 0.7413, 1.4826


@dataclass(frozen=True)
class Line:
    """A line ``y = slope x + intercept``."""

    slope: float
    intercept: float

    def distance(self, x: Floats, y: Floats) -> Floats:
        """Return the signed distance of points from the line, perpendicular to it."""
        return np.asarray((y - self.slope * x - self.intercept) / np.sqrt(1.0 + self.slope**2))

    def along(self, x: Floats, y: Floats, origin: float) -> Floats:
        """Return the distance along the line from its point at ``x = origin``."""
        y0 = self.slope * origin + self.intercept
        return np.asarray(((x - origin) + self.slope * (y - y0)) / np.sqrt(1.0 + self.slope**2))


def orthogonal_line(x: Floats, y: Floats) -> Line:
    """Return the line of least perpendicular distances: the first principal axis."""
    dx, dy = x - x.mean(), y - y.mean()
    xx, yy, xy = float(dx @ dx), float(dy @ dy), float(dx @ dy)
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
    slope = float(np.tan(angle))
    return Line(slope, float(y.mean() - slope * x.mean()))


def regression_line(x: Floats, y: Floats) -> Line:
    """Return the line of least vertical distances."""
    dx = x - x.mean()
    slope = float(dx @ (y - y.mean()) / (dx @ dx))
    return Line(slope, float(y.mean() - slope * x.mean()))


def iqr_sigma(d: Floats) -> float:
    """Return the interquartile range on the scale of a standard deviation."""
    low, high = np.quantile(d, [0.25, 0.75])
    return IQR_SIGMA * float(high - low)


def mad_sigma(d: Floats) -> float:
    """Return the median absolute deviation on the scale of a standard deviation."""
    return MAD_SIGMA * float(np.median(np.abs(d - np.median(d))))


def near(d: Floats, sigmas: float) -> NDArray[np.bool_]:
    """Return which values are within so many `iqr_sigma` of their median."""
    return np.asarray(np.abs(d - np.median(d)) <= sigmas * iqr_sigma(d))
