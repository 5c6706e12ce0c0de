"""Means of stars and of images, fitted together to repeated measurements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: A residual of more standard deviations is not of the population.
OUTLIER = 5.0
#: A row of which the means leave less says nothing of its own error.
LEAST_LEFT = 0.25
_SWEEPS, _PASSES = 40, 3


@dataclass(frozen=True)
class TwoWay:
    """What is left of measurements beside the means of stars and images.

    Attributes
    ----------
    residual : ndarray, shape (n,)
        Scaled to the variance of a single measurement: over the root of its freedom.
    kept : ndarray of bool, shape (n,)
        No outlier, and with freedom enough.
    mean, mean_variance : ndarray, shape (images,)
        Of each image, and its variance from the rows' own errors; infinite for no row.
    first : ndarray of int64, shape (images,)
        One row of each image.
    """

    residual: Floats
    kept: NDArray[np.bool_]
    mean: Floats
    mean_variance: Floats
    first: Ints


def two_way(value: Floats, variance: Floats, star: Ints, image: Ints) -> TwoWay:
    """Fit ``value = star mean + image mean`` by weighted least squares, without outliers.

    Parameters
    ----------
    value, variance : ndarray, shape (n,)
    star : ndarray of int64, shape (n,)
        A star on one detector: the image means of each detector have mean 0 over its visits.
    image : ndarray of int64, shape (n,)
        From 0, without gaps.

    Notes
    -----
    The freedom of a row is ``1 - w / W_star - w / W_image``, with sums of weights `W`: its
    leverage in a complete design, to the first order in the number of stars.
    """
    stars, images = int(star.max()) + 1, int(image.max()) + 1
    weight = 1.0 / variance
    for _ in range(_PASSES):
        of_star = np.maximum(np.bincount(star, weight, stars), 1e-300)
        of_image = np.maximum(np.bincount(image, weight, images), 1e-300)
        mean = np.zeros(images)
        for _sweep in range(_SWEEPS):
            level = np.bincount(star, weight * (value - mean[image]), stars) / of_star
            step = np.bincount(image, weight * (value - level[star]), images) / of_image
            moved = float(np.max(np.abs(step - mean) * np.sqrt(of_image), initial=0.0))
            mean = step
            if moved < 1e-3:
                break
        left = 1.0 - (1.0 / of_star[star] + 1.0 / of_image[image]) / variance
        free = left > LEAST_LEFT
        residual = (value - level[star] - mean[image]) / np.sqrt(np.where(free, left, 1.0))
        wild = np.abs(residual) > OUTLIER * np.sqrt(variance)
        weight = np.where(wild, 0.0, 1.0 / variance)
    first = np.unique(image, return_index=True)[1].astype(np.int64)
    known = np.bincount(image, weight, images) > 0.0
    return TwoWay(residual, free & ~wild, mean, np.where(known, 1.0 / of_image, np.inf), first)
