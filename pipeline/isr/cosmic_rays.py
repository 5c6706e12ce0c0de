"""Cosmic rays: pixels that stand out more sharply than any star can."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.mask import bit, bits
from skyassay.pipeline.isr.compiled import Array, compiled
from skyassay.pipeline.isr.defects import interpolate

#: Smallest full width at half maximum of a star, pixels: 0.5 arcsec at 0.2 arcsec per pixel.
MIN_FWHM = 2.5
#: A pixel is too sharp where its neighbours are below this part of what a star's would be.
SAFETY = 0.8
#: Least significance above the neighbours, and margin of the sharpness test, in sigma.
MIN_SIGMA, MARGIN = 6.0, 2.0
#: Significance asked of the neighbours of what was found.
GROW_SIGMA = 3.0
ROUNDS = 4


@compiled
def _sharp(
    image: Array,
    variance: Array,
    mask: Array,
    y: int,
    x: int,
    sky: float,
    nsigma: float,
    margin: float,
    near: float,
    far: float,
    avoid: int,
) -> bool:
    """Return whether a pixel is higher and sharper than the core of a star.

    Of the eight axes (row, column, diagonals, at one and two pixels) one is enough: a track is
    sharp across itself only. Neighbours found before count as sky, those unusable end the test.
    """
    ny, nx = image.shape
    p, s = image[y, x] - sky, np.sqrt(variance[y, x])
    for step in range(1, 3):
        for axis in range(4):
            dy = step if axis != 0 else 0
            dx = 0 if axis == 1 else (step if axis != 3 else -step)
            y1, x1, y2, x2 = y - dy, x - dx, y + dy, x + dx
            if min(y1, x1, x2) < 0 or y2 >= ny or max(x1, x2) >= nx:
                continue
            if x2 < 0 or (mask[y1, x1] | mask[y2, x2]) & avoid != 0:
                continue
            pair = 0.5 * (image[y1, x1] + image[y2, x2]) - sky
            error = 0.5 * np.sqrt(variance[y1, x1] + variance[y2, x2])
            if p - pair < nsigma * s:
                continue
            ratio = near if step == 1 else far
            if axis > 1:
                ratio = ratio * ratio  # twice the squared distance, of a Gaussian
            if pair + margin * error < ratio * (p - margin * s):
                return True
    return False


@compiled
def _first(
    image: Array,
    variance: Array,
    mask: Array,
    sky: float,
    floor: float,
    nsigma: float,
    margin: float,
    near: float,
    far: float,
    avoid: int,
    ys: Array,
    xs: Array,
) -> int:
    """List the pixels that are cosmic rays by themselves; return how many there are."""
    n = 0
    ny, nx = image.shape
    for y in range(ny):
        for x in range(nx):
            if image[y, x] <= floor or mask[y, x] & avoid != 0:
                continue
            if n < ys.size and _sharp(
                image, variance, mask, y, x, sky, nsigma, margin, near, far, avoid
            ):
                ys[n], xs[n] = y, x
                n += 1
    return n


@compiled
def _next(
    image: Array,
    variance: Array,
    mask: Array,
    sky: float,
    nsigma: float,
    margin: float,
    near: float,
    far: float,
    avoid: int,
    cr: int,
    ys: Array,
    xs: Array,
    n: int,
) -> tuple[Array, Array]:
    """List the neighbours of the pixels found that are sharp now that those are repaired."""
    ny, nx = image.shape
    found = 0
    new_y, new_x = np.empty(8 * n, np.int64), np.empty(8 * n, np.int64)
    for k in range(n):
        for v in range(max(ys[k] - 1, 0), min(ys[k] + 2, ny)):
            for u in range(max(xs[k] - 1, 0), min(xs[k] + 2, nx)):
                if mask[v, u] & (avoid | cr) != 0:
                    continue
                if _sharp(image, variance, mask, v, u, sky, nsigma, margin, near, far, avoid):
                    mask[v, u] |= cr
                    new_y[found], new_x[found] = v, u
                    found += 1
    return new_y[:found], new_x[:found]


def star_ratio(fwhm: float) -> tuple[float, float]:
    """Return a star's mean neighbours at one and two pixels over its centre, at least.

    Of a Gaussian centred on the pixel: a shift raises the mean of two opposite neighbours more
    than it lowers the centre (by cosh), wings and the width of the pixel raise it too.
    """
    s2 = (fwhm / 2.3548) ** 2
    return float(np.exp(-0.5 / s2)), float(np.exp(-2.0 / s2))


def level_and_noise(
    image: NDArray[np.float32], variance: NDArray[np.float32], mask: NDArray[np.int32]
) -> tuple[float, float]:
    """Return the sky's level and the noise of a sky pixel, medians of every 29th pixel."""
    bad = mask.ravel()[::29] & np.int32(bits("BAD", "SAT", "NO_DATA")) != 0
    good = ~bad & np.isfinite(image.ravel()[::29])
    if not good.any():
        return float("nan"), float("nan")
    sky = float(np.median(image.ravel()[::29][good]))
    return sky, float(np.sqrt(np.median(variance.ravel()[::29][good])))


def find_cosmic_rays(
    image: NDArray[np.float32],
    variance: NDArray[np.float32],
    mask: NDArray[np.int32],
    *,
    fwhm: float = MIN_FWHM,
    nsigma: float = MIN_SIGMA,
) -> int:
    """Mask cosmic rays (CR) and interpolate over them (INTRP), all in place.

    A pixel is one where along some axis it exceeds the mean of its two opposite neighbours by
    `nsigma` sigma, and these are, two sigma of noise allowed, below 0.8 of what they would be
    next to the centre of a Gaussian star of width `fwhm`. What is found is repaired and its
    neighbours are tested again at 3 sigma, up to four times.

    Parameters
    ----------
    image, variance : ndarray of float32, shape (ny, nx)
        Electrons.
    mask : ndarray of int32, shape (ny, nx)
        Pixels next to BAD, SAT or NO_DATA are tested only across usable ones.
    fwhm : float
        Of the sharpest star possible, pixels. Larger finds more of the faint and broad ones.
    nsigma : float

    Returns
    -------
    int
        Pixels masked; 0 where no pixel is usable.
    """
    sky, noise = level_and_noise(image, variance, mask)
    if not np.isfinite(sky + noise):
        return 0
    near, far = (SAFETY * r for r in star_ratio(fwhm))
    # A neighbour's value is no evidence where it was made up.
    avoid, cr = bits("BAD", "SAT", "NO_DATA"), bit("CR")
    # More than a tenth of all pixels are no cosmic rays but a broken frame.
    room = image.size // 10 + 1
    ys, xs = np.empty(room, np.int64), np.empty(room, np.int64)
    floor = sky + nsigma * noise
    n = _first(image, variance, mask, sky, floor, nsigma, MARGIN, near, far, avoid, ys, xs)
    ys, xs = ys[:n], xs[:n]
    mask[ys, xs] |= cr
    total = 0
    for _ in range(ROUNDS):
        total += ys.size
        if ys.size == 0:
            break
        interpolate(image, variance, mask, ("CR",))
        ys, xs = _next(
            image, variance, mask, sky, GROW_SIGMA, MARGIN, near, far, avoid, cr, ys, xs, ys.size
        )
    else:
        interpolate(image, variance, mask, ("CR",))
        total += ys.size
    return total
