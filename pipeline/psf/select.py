"""The PSF stars of an image: measured, selected, divided into used and reserved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.background.model import Background
from skyassay.pipeline.detection.detect import Detections
from skyassay.pipeline.measurement.moments import moments_at
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.psf.fit import Stars
from skyassay.pipeline.psf.stars import isolated, reserve, stellar_locus

#: Half side of the stamps of the first moments, in widths of the smoothing.
HALF = 8.0


@dataclass(frozen=True, eq=False)
class Chosen:
    """PSF stars with their reservation; arrays have shape (n,)."""

    stars: Stars
    reserved: NDArray[np.bool_]

    @property
    def x(self) -> NDArray[np.float64]:
        """Position from the moments, pixel."""
        return self.stars.moments[:, 0]

    @property
    def y(self) -> NDArray[np.float64]:
        """Position from the moments, pixel."""
        return self.stars.moments[:, 1]

    def used(self) -> Stars:
        """Return the stars that make the model."""
        return self.stars.part(~self.reserved)


def select_stars(
    image: NDArray[np.float32],
    good: NDArray[np.bool_],
    background: Background,
    found: Detections,
    sigma: float,
    options: Options,
    seed: int,
) -> Chosen:
    """Return the PSF stars among the detections.

    Raises
    ------
    MeasurementError
        `no_psf_stars`.
    """
    low, high = options.star_snr
    bright = np.flatnonzero((found.snr > low) & (found.snr < high) & isolated(found, sigma))
    column, row = found.x[bright], found.y[bright]
    moments, converged = np.full((len(bright), 6), np.nan), np.zeros(len(bright), dtype=np.bool_)
    half = int(np.ceil(HALF * sigma))
    moments_at(image, good, column, row, half, sigma * sigma, moments, converged)
    bright, moments = bright[converged], moments[converged]
    column, row = column[converged], row[converged]
    snr = found.snr[bright]
    shape = (image.shape[0], image.shape[1])
    trace = moments[:, 2] + moments[:, 4]
    keep = stellar_locus(moments[:, 0], moments[:, 1], trace, snr, shape, options)
    owner = np.zeros(len(found) + 1, dtype=np.bool_)
    owner[0], owner[1 + bright[keep]] = True, True
    noise = background.noise_at(moments[keep, 0], moments[keep, 1])
    usable = good & owner[found.basin]
    stars = Stars(image, usable, column[keep], row[keep], moments[keep], noise, snr[keep])
    return Chosen(stars, reserve(column[keep], row[keep], options.reserved, seed))
