"""The sources that the matching kernel is made from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter

from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bits

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Pixels that say nothing about the sky.
UNUSABLE = bits("BAD", "SAT", "CR", "NO_DATA", "UNMASKEDNAN", "STREAK", "CROSSTALK")
#: None of them may be this near to the peak of a star, pixel.
CORE = 4
#: Half side of the box in which a star's signal is summed, pixel.
BOX = 3
#: Share of a stamp that may be unusable.
SPOILT = 0.2
#: The detector is divided into this many parts along each side, so that stars are everywhere.
PARTS = 5
#: Flags of sources that are not looked at.
_FLAGS = ("sky_source", "pixelFlags_saturated", "pixelFlags_edge", "pixelFlags_bad")


@dataclass(frozen=True, eq=False)
class Stamps:
    """Stars cut out of both images.

    Attributes
    ----------
    x, y : ndarray of int, shape (n,)
        Central pixels.
    convolved : ndarray, shape (n, side + 2 half, side + 2 half)
        Of the image that the kernel is applied to.
    target : ndarray, shape (n, side, side)
    usable : ndarray of bool, shape (n, side, side)
    sky : ndarray, shape (n,)
        Variance of a pixel beside the star, of both images together.
    """

    x: Ints
    y: Ints
    convolved: Floats
    target: Floats
    usable: NDArray[np.bool_]
    sky: Floats


def cut_stars(
    science: Exposure,
    template: Exposure,
    sources: Table | None,
    options: Options,
    convolve_science: bool,
) -> Stamps:
    """Return the stars of the kernel.

    Sources need not be alone or stars: what does not change subtracts, and what changes is
    clipped in the fit. The order of `sources` does not matter.

    Parameters
    ----------
    science, template : Exposure
        On the same pixels, both in electrons of the science image.
    sources : Table or None
        With columns x, y (pixel); None: the peaks of the science image.
    options : Options
    convolve_science : bool

    Raises
    ------
    DifferenceError
        ``too_few_kernel_stars``.
    """
    bad = ((science.mask | template.mask) & UNUSABLE) != 0
    x, y = _candidates(science, sources, options)
    margin = options.stamp + options.half
    ny, nx = science.shape
    inside = (x >= margin) & (x < nx - margin) & (y >= margin) & (y < ny - margin)
    x, y = x[inside], y[inside]
    x, y, snr = _sound(science, template, bad, x, y, options)
    order = _spread(x, y, snr, science.shape)[: options.most_stars]
    if len(order) < options.least_stars:
        raise DifferenceError(
            f"{len(order)} stars for the matching kernel, {options.least_stars} are needed.",
            code="too_few_kernel_stars",
            hint="Lower least_snr, or look whether the template covers the detector.",
        )
    return _cut(science, template, bad, x[order], y[order], options, convolve_science)


def _candidates(science: Exposure, sources: Table | None, options: Options) -> tuple[Ints, Ints]:
    """Return central pixels, each once."""
    if sources is None:
        image = np.nan_to_num(science.image)
        smooth = uniform_filter(image, 3)
        peak = smooth == maximum_filter(smooth, 2 * BOX + 1)
        level = options.least_snr * np.sqrt(np.median(science.variance)) / (2 * BOX + 1)
        y, x = np.nonzero(peak & (smooth > level))
    else:
        good = np.isfinite(np.asarray(sources["x"], float) + np.asarray(sources["y"], float))
        for name in _FLAGS:
            if name in sources.colnames:
                good &= ~np.asarray(sources[name], dtype=bool)
        x = np.rint(np.asarray(sources["x"], float)[good]).astype(np.int64)
        y = np.rint(np.asarray(sources["y"], float)[good]).astype(np.int64)
    places = np.unique(np.stack([y, x], axis=1).astype(np.int64).reshape(-1, 2), axis=0)
    return places[:, 1], places[:, 0]


def _sound(
    science: Exposure,
    template: Exposure,
    bad: NDArray[np.bool_],
    x: Ints,
    y: Ints,
    options: Options,
) -> tuple[Ints, Ints, Floats]:
    """Return the candidates that are bright and whole in both images, with their S/N."""
    core = _windows(bad, x, y, CORE).any(axis=(1, 2))
    share = _windows(bad, x, y, options.stamp + options.half).mean(axis=(1, 2))
    signal = _windows(science.image, x, y, BOX).sum(axis=(1, 2), dtype=np.float64)
    noise = np.sqrt(_windows(science.variance, x, y, BOX).sum(axis=(1, 2), dtype=np.float64))
    there = _windows(template.image, x, y, BOX).sum(axis=(1, 2), dtype=np.float64)
    snr = np.divide(signal, noise, out=np.zeros_like(signal), where=noise > 0.0)
    keep = ~core & (share < SPOILT) & (snr > options.least_snr)
    # What is not in the template, or only in it, is no star of the kernel.
    keep &= (there > 0.3 * signal) & (there < 3.0 * signal)
    return x[keep], y[keep], snr[keep]


def _spread(x: Ints, y: Ints, snr: Floats, shape: tuple[int, int]) -> Ints:
    """Return an order: the brightest of each part of the detector, then the second ones..."""
    part = (y * PARTS // shape[0]) * PARTS + x * PARTS // shape[1]
    by_light = np.lexsort((x, y, -snr))
    rank = np.empty(len(x), dtype=np.int64)
    seen: dict[int, int] = {}
    for row in by_light:
        rank[row] = seen.get(int(part[row]), 0)
        seen[int(part[row])] = int(rank[row]) + 1
    return np.lexsort((x, y, -snr, rank))


def _windows(plane: NDArray, x: Ints, y: Ints, half: int) -> NDArray:  # type: ignore[type-arg]
    """Return boxes about pixels, shape (n, 2 half + 1, 2 half + 1)."""
    offset = np.arange(-half, half + 1)
    return np.asarray(plane[(y[:, None] + offset)[:, :, None], (x[:, None] + offset)[:, None]])


def _cut(
    science: Exposure,
    template: Exposure,
    bad: NDArray[np.bool_],
    x: Ints,
    y: Ints,
    options: Options,
    convolve_science: bool,
) -> Stamps:
    big, small = options.stamp + options.half, options.stamp
    one, other = (science, template) if convolve_science else (template, science)
    spoilt = _windows(bad, x, y, small)
    sky = sum(
        np.median(_windows(e.variance, x, y, small).reshape(len(x), -1), axis=1)
        for e in (science, template)
    )
    return Stamps(
        x,
        y,
        np.nan_to_num(_windows(one.image, x, y, big)).astype(np.float64),
        np.nan_to_num(_windows(other.image, x, y, small)).astype(np.float64),
        ~spoilt,
        np.asarray(sky, dtype=np.float64),
    )
