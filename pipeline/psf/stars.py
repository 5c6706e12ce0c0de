"""Which detections are single unresolved stars, and which of them are kept out of the fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.detection.detect import Detections
from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.psf.model import terms

#: A neighbour within this many widths of the PSF and brighter than this share of the star
#: spoils its moments by more than half a percent.
NEAR, BRIGHT = 10.0, 0.02
#: Robust standard deviations from the locus at which a star is left out.
CLIP = 3.5
#: Spread of log size that is accepted whatever the scatter of the locus.
LEAST_SPREAD = 0.01
#: Odd constants of a 64-bit mixing function (the finaliser of splitmix64).
MIX = (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def isolated(found: Detections, sigma: float) -> NDArray[np.bool_]:
    """Return which detections have no neighbour that matters, shape (n,)."""
    alone = np.ones(len(found), dtype=np.bool_)
    tree = cKDTree(np.column_stack([found.x, found.y]).astype(np.float64))
    pairs = tree.query_pairs(NEAR * sigma, output_type="ndarray")
    for one, two in (pairs.T, pairs.T[::-1]):
        alone[one[found.snr[two] > BRIGHT * found.snr[one]]] = False
    return alone


def densest(values: NDArray[np.float64], width: float) -> float:
    """Return the centre of the interval of a width that holds most values; the lowest wins."""
    ordered = np.sort(values)
    inside = np.searchsorted(ordered, ordered + width, side="right") - np.arange(len(ordered))
    first = int(np.argmax(inside))
    return float(np.median(ordered[first : first + inside[first]]))


def stellar_locus(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    trace: NDArray[np.float64],
    snr: NDArray[np.float64],
    shape: tuple[int, int],
    options: Options,
) -> NDArray[np.bool_]:
    """Return which bright isolated sources lie on the stellar locus in size.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Pixel.
    trace : ndarray, shape (n,)
        ixx + iyy, pixel**2.
    snr : ndarray, shape (n,)
    shape : tuple of int
        Rows and columns of the detector.
    options : Options

    Raises
    ------
    MeasurementError
        `no_psf_stars` with fewer stars than `options.least_stars`.

    Notes
    -----
    Stars share one size and galaxies spread: the densest interval of log size is the locus.
    A plane over the detector follows the PSF; what deviates by more than its scatter leaves.
    """
    size = np.log(trace)
    keep = np.zeros(len(size), dtype=np.bool_)
    if len(size):
        keep = np.abs(size - densest(size, 2.0 * options.star_band)) < options.star_band
    for _ in range(5):
        enough = keep.sum() >= options.linear_stars
        plane = terms(x, y, shape, 1 if enough else 0)
        if keep.sum() < options.least_stars:
            raise MeasurementError(
                f"Only {int(keep.sum())} stars can serve for the PSF; "
                f"{options.least_stars} are needed.",
                code="no_psf_stars",
                hint="Look at the image: is the shutter closed, the sky cloudy, the field empty?",
            )
        solution = np.linalg.lstsq(plane[keep], size[keep], rcond=None)[0]
        off = size - plane @ solution
        spread = 1.4826 * float(np.median(np.abs(off[keep])))
        limit = CLIP * np.hypot(max(spread, LEAST_SPREAD), 2.0 / snr)
        now = np.abs(off) < np.minimum(limit, 2.0 * options.star_band)
        if (now == keep).all():
            break
        keep = now
    return keep


def reserve(
    column: NDArray[np.int64], row: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.bool_]:
    """Return which stars are kept out of the fit: those with the smallest hash.

    Parameters
    ----------
    column, row : ndarray of int, shape (n,)
        Peak pixels.
    share : float
        Share of stars to reserve, rounded; at least one of five.
    seed : int
        Changes the choice; the same seed and stars give the same choice.
    """
    with np.errstate(over="ignore"):
        key = (row.astype(np.uint64) << np.uint64(32)) + column.astype(np.uint64)
        key += np.uint64(seed % 2**32) * np.uint64(MIX[0]) + np.uint64(MIX[0])
        for shift, factor in ((30, MIX[1]), (27, MIX[2])):
            key = (key ^ (key >> np.uint64(shift))) * np.uint64(factor)
        key ^= key >> np.uint64(31)
    made = np.zeros(len(key), dtype=np.bool_)
    made[np.argsort(key, kind="stable")[: round(share * len(key))]] = True
    return made
