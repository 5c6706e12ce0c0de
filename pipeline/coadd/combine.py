"""Resampled images averaged; what is in one of them only is left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from skyassay.pipeline.coadd.lanczos import widen
from skyassay.pipeline.coadd.warp import WIDER, Planes
from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.measurement.compiled import compiled

Pixels = NDArray[np.float32]
#: Pixels with one of these count only where no visit has a better one.
DOUBTFUL = bits("BAD", "SAT", "CR", "EDGE", "CROSSTALK", "STREAK", "UNMASKEDNAN")
#: Standard deviations from the median at which a pixel, and the mean of 3 x 3, is left out.
CLIP = 4.5
#: What the seeing may change is no outlier: this share of the brightest pixel of the median
#: within `SPREAD` pixels is tolerated. The peak of the sharpest visit may be twice the median.
TOLERATED, SPREAD = 1.0, 5
#: Pixels about an outlier that are left out with it: its faint rim.
RIM = 2
#: Fewer images have no majority.
LEAST = 3
#: The median is a source where it exceeds the noise of one image so many times.
SOURCE = 3.0
#: A source is SUSPECT where the squared width of the PSF differs by this share from that of the
#: whole patch: some visits end there.
UNUSUAL = 0.05
#: Planes whose pixels the instrument's task has filled from their neighbours.
REPAIRED = bits("BAD", "CR")
#: Pixels a side from which on repaired ones are a hole. Defects arrive widened (`warp.WIDER`): it
#: is five pixels of the detector.
HOLE = 5 + 2 * WIDER
#: A bit beyond the planes of `mask.PLANES`, used here only: an outlier.
_CLIPPED = 1 << 20


def combine(
    layers: list[Planes], weights: NDArray[np.float64], widths: NDArray[np.float64]
) -> tuple[Planes, NDArray[np.uint8]]:
    """Return the mean image, and how many images every pixel has.

    The weights are those of whole images: weights that follow the pixels' noise would give
    bright stars another PSF than faint ones. NO_DATA where no image has the pixel; SAT where
    any image is saturated; SUSPECT in sources whose PSF is not that of the patch; the other
    planes where only doubtful pixels are there, whose mean it is then.

    Parameters
    ----------
    layers : list of Planes
        Of one size, in one unit.
    weights, widths : ndarray, shape (n,)
        The second: of the PSF, any unit; NaN where it is not known.
    """
    image = np.stack([layer.image for layer in layers])
    variance = np.stack([layer.variance for layer in layers])
    mask = np.stack([layer.mask for layer in layers])
    if len(layers) >= LEAST:
        _clip(image, variance, mask)
    made = Planes.empty(layers[0].image.shape)
    count = np.zeros(layers[0].image.shape, np.uint8)
    squares = np.zeros(count.shape, np.float32)
    kinds = np.array(
        [DOUBTFUL, bit("NO_DATA"), _CLIPPED, bit("SAT"), bit("SUSPECT")], dtype=np.int32
    )
    _average(
        image, variance, mask, weights, widths**2, kinds,
        made.image, made.variance, made.mask, count, squares,
    )  # fmt: skip
    usual = float(np.average(widths**2, weights=weights))
    with np.errstate(invalid="ignore"):
        other = np.abs(squares - usual) > UNUSUAL * usual
    source = made.image > SOURCE * np.sqrt(variance.max(axis=0))
    made.mask[other & source & (count > 0)] |= np.int32(bit("SUSPECT"))
    return made, count


def _clip(image: Pixels, variance: Pixels, mask: NDArray[np.int32]) -> None:
    """Set the bit of outliers and their rims in the masks."""
    excluded = np.int32(DOUBTFUL | bit("NO_DATA"))
    median = np.zeros(image.shape[1:], np.float32)
    enough = np.zeros(image.shape[1:], np.bool_)
    _median(image, mask, excluded, LEAST, median, enough)
    brightest = maximum_filter(np.maximum(median, 0.0), 2 * SPREAD + 1)
    slack = np.asarray(TOLERATED * brightest, np.float32)
    slack[~enough] = np.inf
    found, wide = np.empty_like(mask[0]), np.empty_like(mask[0])
    for k in range(len(image)):
        _outliers(image[k], variance[k], mask[k], excluded, median, slack, CLIP, _CLIPPED, found)
        widen(found, RIM, wide)
        mask[k] |= wide
    _keep_in_sources(median, variance, mask)


def _keep_in_sources(median: Pixels, variance: Pixels, mask: NDArray[np.int32]) -> None:
    """Take the planes of repaired pixels away where a source is.

    A sharp visit that lacks some pixels of a star would leave a dent of several percent of
    its flux in the mean; the repaired pixels are better than that. Not so in a wide hole: what
    was filled from its rim knows nothing of a star within.
    """
    source = median > SOURCE * np.sqrt(variance.max(axis=0))
    for layer in mask:
        repaired = ((layer & np.int32(REPAIRED)) != 0).astype(np.uint8)
        wide = maximum_filter(minimum_filter(repaired, HOLE), HOLE) != 0
        layer[source & ~wide] &= ~np.int32(REPAIRED)


@compiled
def _outliers(
    image: Pixels,
    variance: Pixels,
    mask: NDArray[np.int32],
    excluded: np.int32,
    median: Pixels,
    slack: Pixels,
    clip: float,
    value: int,
    found: NDArray[np.int32],
) -> None:
    """Set `found` to `value` where a pixel, or it and its neighbours, differ from the median.

    Nine pixels together have a third of the noise of one; half is asked for, as resampled
    pixels share some of it.
    """
    ny, nx = image.shape
    for y in range(ny):
        for x in range(nx):
            found[y, x] = 0
            if mask[y, x] & excluded:
                continue
            limit = clip * np.sqrt(variance[y, x])
            off = abs(image[y, x] - median[y, x])
            if off > limit + slack[y, x]:
                found[y, x] = value
            elif 0 < y < ny - 1 and 0 < x < nx - 1 and off > 0.1 * limit:
                total = 0.0
                for j in range(y - 1, y + 2):
                    for i in range(x - 1, x + 2):
                        if not mask[j, i] & excluded:
                            total += image[j, i] - median[j, i]
                if abs(total) / 9.0 > 0.5 * limit + slack[y, x]:
                    found[y, x] = value


@compiled
def _median(
    image: Pixels,
    mask: NDArray[np.int32],
    excluded: np.int32,
    least: int,
    median: Pixels,
    enough: NDArray[np.bool_],
) -> None:
    """Fill the median of the good values of every pixel, and whether they are enough."""
    n, ny, nx = image.shape
    values = np.empty(n, np.float32)
    for y in range(ny):
        for x in range(nx):
            m = 0
            for k in range(n):
                if not mask[k, y, x] & excluded:
                    value = image[k, y, x]
                    at = m
                    while at > 0 and values[at - 1] > value:
                        values[at] = values[at - 1]
                        at -= 1
                    values[at] = value
                    m += 1
            enough[y, x] = m >= least
            if m:
                median[y, x] = np.float32(0.5) * (values[(m - 1) // 2] + values[m // 2])


@compiled
def _average(
    image: Pixels,
    variance: Pixels,
    mask: NDArray[np.int32],
    weights: NDArray[np.float64],
    squares: NDArray[np.float64],
    kinds: NDArray[np.int32],
    out_image: Pixels,
    out_variance: Pixels,
    out_mask: NDArray[np.int32],
    count: NDArray[np.uint8],
    out_squares: Pixels,
) -> None:
    """Fill the mean of the best kind of values that a pixel has."""
    n, ny, nx = image.shape
    doubtful, no_data, clipped, saturated, suspect = kinds
    for y in range(ny):
        for x in range(nx):
            # 0: good; 1: all there is, flagged.
            for kind in range(2):
                total, spread, whole, square = 0.0, 0.0, 0.0, 0.0
                bits_set, m = 0, 0
                for k in range(n):
                    here = mask[k, y, x]
                    # Saturated in some visits only: those with another PSF are left.
                    bits_set |= here & saturated
                    if here & no_data or (kind == 0 and here & (doubtful | clipped)):
                        continue
                    w = weights[k]
                    total += w * image[k, y, x]
                    spread += w * w * variance[k, y, x]
                    square += w * squares[k]
                    whole += w
                    bits_set |= here & (doubtful | suspect)
                    m += 1
                if m:
                    out_image[y, x] = total / whole
                    out_variance[y, x] = spread / (whole * whole)
                    out_squares[y, x] = square / whole
                    out_mask[y, x] = bits_set
                    count[y, x] = m
                    break
