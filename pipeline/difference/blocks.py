"""Kernel and decorrelation applied to blocks of the image by Fourier transforms.

In every block the kernel is that of the block's centre. With A the convolved image and B the
target, of white noise sA**2 and sB**2, B - K*A has the power sB**2 + |K|**2 sA**2; the filter

    phi(k) = sqrt((sB**2 + c**2 sA**2) / (sB**2 + |K(k)|**2 sA**2)),     c = sum of K,

makes it white again with the variance sB**2 + c**2 sA**2 and leaves the sum of an image as it
is (Reiss & Lupton 2016, DMTN-021). A template that has been resampled has less power at high
k, see `resampled_power`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from scipy import fft

from skyassay.pipeline.coadd.lanczos import REACH, table
from skyassay.pipeline.difference.kernel import Kernel

Pixels = NDArray[np.float32]
#: Pixels about a block that its transform sees beside the kernel's reach: the tail of phi.
TAIL = 6
#: The filter amplifies no frequency more: where both images have no power there is no noise to
#: make white, and a defect would ring.
MOST = 6.0
#: Every so many pixels along each axis the noise is looked at.
SAMPLE = 4


@dataclass(frozen=True, eq=False)
class Matched:
    """What the blocks give.

    Attributes
    ----------
    matched : ndarray of float32, shape (ny, nx)
        The convolved image.
    difference : ndarray of float32, shape (ny, nx)
        Target minus convolved image, whitened.
    phi : ndarray of float32, shape (n, n)
        The whitening kernel, mean over the blocks; its centre is the pixel [0, 0], negative
        offsets are at the end.
    """

    matched: Pixels
    difference: Pixels
    phi: Pixels


def pad_width(kernel_half: int) -> int:
    """Return how many pixels about the image the transforms use."""
    return kernel_half + TAIL


def match_blocks(
    convolved: Pixels,
    target: Pixels,
    noise_convolved: Pixels,
    noise_target: Pixels,
    kernel: Kernel,
    *,
    block: int,
    decorrelate: bool,
    resampled: int = 0,
) -> Matched:
    """Return target minus kernel * convolved.

    Parameters
    ----------
    convolved, target : ndarray of float32, shape (ny + 2 pad, nx + 2 pad)
        Images with a border of `pad_width`; finite.
    noise_convolved, noise_target : ndarray of float32, shape (n_rows, n_columns)
        Variance of a pixel of the sky in each block.
    kernel : Kernel
    block : int
        Side of the blocks, pixel; `noise_*` has the same blocks.
    decorrelate : bool
    resampled : int
        How many times the template has been resampled.
    """
    ny, nx = kernel.shape
    pad = pad_width(kernel.basis.half)
    side = fft.next_fast_len(block + 2 * pad, real=True)
    rows, columns = -(-ny // block), -(-nx // block)
    spread = [_fitting(image, rows, columns, block, side) for image in (convolved, target)]
    planes = _transformed(kernel, side)
    matched, difference = (np.empty((rows * block, columns * block), np.float32) for _ in "md")
    power = np.zeros((side, side // 2 + 1), np.float64)
    x = np.minimum((np.arange(columns) + 0.5) * block - 0.5, nx - 1)
    power_of: list[Pixels | float] = [1.0, resampled_power(side, resampled)]
    if kernel.convolved == "template":
        power_of.reverse()
    inner = np.s_[:, pad : pad + block, pad : pad + block]
    for row in range(rows):
        y = np.full(columns, min((row + 0.5) * block - 0.5, ny - 1))
        weights = _weights(kernel, x, y)
        k = np.asarray(np.tensordot(weights, planes, axes=1), np.complex64)
        first, second = (fft.rfft2(_windows(s, row, columns, block, side)) for s in spread)
        first *= k
        there = slice(row * block, (row + 1) * block)
        matched[there] = _joined(fft.irfft2(first, s=(side, side))[inner])
        second -= first
        if decorrelate:
            phi = whitening(
                k, kernel.sum_at(x, y), noise_convolved[row], noise_target[row], *power_of
            )
            power += phi.sum(axis=0)
            second *= phi
        difference[there] = _joined(fft.irfft2(second, s=(side, side))[inner])
    mean = power / (rows * columns) if decorrelate else np.ones_like(power)
    whole = np.asarray(fft.irfft2(mean, s=(side, side)), np.float32)
    return Matched(matched[:ny, :nx], difference[:ny, :nx], whole)


def whitening(
    k: NDArray[np.complex64],
    scale: NDArray[np.float64],
    one: Pixels,
    other: Pixels,
    power_one: Pixels | float = 1.0,
    power_other: Pixels | float = 1.0,
) -> Pixels:
    """Return phi of blocks.

    Parameters
    ----------
    k : ndarray of complex64, shape (n, side, side // 2 + 1)
        Transforms of the kernels.
    scale : ndarray, shape (n,)
        Sums of the kernels.
    one, other : ndarray, shape (n,)
        Variance of the convolved image and of the target.
    power_one, power_other : float or ndarray of float32, shape (side, side // 2 + 1)
        Power of their noise, in units of these variances.
    """
    a, b = (np.asarray(v, np.float32)[:, None, None] for v in (one, other))
    c = (np.asarray(scale, np.float32) ** 2)[:, None, None]
    lower = (k.real**2 + k.imag**2) * a * power_one + b * power_other
    upper = c * a + b
    made = np.ones_like(lower)
    np.divide(upper, lower, out=made, where=lower > 0.0)
    return np.minimum(np.sqrt(made, out=made), np.float32(MOST), out=made)


def resampled_power(side: int, times: int) -> Pixels:
    """Return the power of white noise after resampling, shape (side, side // 2 + 1).

    The mean over the places in a pixel of the squared response of the window.
    """
    at = np.arange(-REACH + 1, REACH + 1)
    lines = []
    for frequency in (fft.fftfreq(side), fft.rfftfreq(side)):
        wave = np.exp(-2j * np.pi * at[:, None] * frequency)
        lines.append((np.abs(table()[:-1].astype(np.float64) @ wave) ** 2).mean(axis=0) ** times)
    return np.asarray(np.outer(lines[0], lines[1]), np.float32)


def block_noise(variance: Pixels, usable: NDArray[np.bool_], block: int) -> Pixels:
    """Return the median variance of usable pixels in every block; 0 where there is none."""
    ny, nx = variance.shape
    rows, columns = -(-ny // block), -(-nx // block)
    made = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            box = (
                slice(row * block, (row + 1) * block, SAMPLE),
                slice(column * block, (column + 1) * block, SAMPLE),
            )
            values = variance[box][usable[box]]
            if values.size:
                made[row, column] = np.median(values)
    return made


def _weights(kernel: Kernel, x: NDArray[np.float64], y: NDArray[np.float64]) -> Pixels:
    from skyassay.pipeline.psf.model import terms

    return terms(x, y, kernel.shape, kernel.order).astype(np.float32)


def _transformed(kernel: Kernel, side: int) -> NDArray[np.complex64]:
    """Return the transforms of the kernel's planes, centred on pixel [0, 0]."""
    half = kernel.basis.half
    wide = np.zeros((len(kernel.planes), side, side), np.float32)
    wide[:, : 2 * half + 1, : 2 * half + 1] = kernel.planes
    made: NDArray[np.complex64] = fft.rfft2(np.roll(wide, (-half, -half), axis=(1, 2)))
    return made


def _fitting(image: Pixels, rows: int, columns: int, block: int, side: int) -> Pixels:
    """Return the image extended by its last pixels so that whole blocks fit in."""
    more_y = max(0, (rows - 1) * block + side - image.shape[0])
    more_x = max(0, (columns - 1) * block + side - image.shape[1])
    return np.pad(np.ascontiguousarray(image, np.float32), ((0, more_y), (0, more_x)), "edge")


def _windows(image: Pixels, row: int, columns: int, block: int, side: int) -> Pixels:
    """Return the overlapping windows of a row of blocks, shape (columns, side, side)."""
    part = image[row * block : row * block + side]
    down, across = part.strides
    return as_strided(part, (columns, side, side), (across * block, down, across), writeable=False)


def _joined(parts: Pixels) -> Pixels:
    """Return blocks side by side."""
    return parts.transpose(1, 0, 2).reshape(parts.shape[1], -1)
