"""Few pixels among many: where bits of a mask are set, and how often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.isr.compiled import Array, compiled


@compiled
def _count_rows(mask: Array, wanted: int, rows: Array) -> int:
    """Fill the number of pixels of each row that have one of the bits; return the sum."""
    ny, nx = mask.shape
    w = np.int32(wanted)
    total = 0
    for y in range(ny):
        n = 0
        for x in range(nx):
            n += 1 if mask[y, x] & w != 0 else 0
        rows[y] = n
        total += n
    return total


@compiled
def _list(mask: Array, wanted: int, rows: Array, ys: Array, xs: Array) -> None:
    """List the pixels with one of the bits; only rows that have any are read again."""
    n = 0
    for y in range(mask.shape[0]):
        if rows[y] == 0:
            continue
        for x in range(mask.shape[1]):
            if mask[y, x] & wanted != 0:
                ys[n], xs[n] = y, x
                n += 1


def where_set(mask: NDArray[np.int32], bits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pixels with any of the bits, in the order of the array.

    As ``np.nonzero(mask & bits)``, without its two passes over temporary arrays.
    """
    rows = np.empty(mask.shape[0], np.int64)
    total = _count_rows(mask, bits, rows)
    ys, xs = np.empty(total, np.int64), np.empty(total, np.int64)
    _list(mask, bits, rows, ys, xs)
    return ys, xs


@compiled
def _count_boxes(mask: Array, boxes: Array, bits: Array, out: Array) -> None:
    """Fill out[box, bit]."""
    for a in range(boxes.shape[0]):
        x0, y0 = boxes[a, 0], boxes[a, 1]
        for y in range(y0, y0 + boxes[a, 3]):
            row = mask[y, x0 : x0 + boxes[a, 2]]
            seen = np.int32(0)
            for x in range(row.size):
                seen |= row[x]
            if seen == 0:
                continue
            for k in range(bits.size):
                for x in range(row.size):
                    out[a, k] += 1 if row[x] & bits[k] != 0 else 0


def count_boxes(
    mask: NDArray[np.int32], boxes: NDArray[np.int64], bits: tuple[int, ...]
) -> NDArray[np.int64]:
    """Return how many pixels of each box (x0, y0, width, height) have each of the bits.

    Returns
    -------
    ndarray of int64, shape (n_box, n_bit)
    """
    out = np.zeros((len(boxes), len(bits)), np.int64)
    _count_boxes(mask, boxes, np.array(bits, np.int32), out)
    return out


@compiled
def _mark_lost(image: Array, mask: Array, bits: int) -> int:
    n = 0
    for y in range(image.shape[0]):
        bad = False
        for x in range(image.shape[1]):
            # Not a number, or infinite: the difference with itself is not zero.
            bad |= image[y, x] - image[y, x] != 0.0
        if not bad:
            continue
        for x in range(image.shape[1]):
            if image[y, x] - image[y, x] != 0.0:
                mask[y, x] |= bits
                n += 1
    return n


def mark_not_finite(image: NDArray[np.float32], mask: NDArray[np.int32], bits: int) -> int:
    """Set bits, in place, where the image is not finite; return the number of such pixels."""
    return int(_mark_lost(image, mask, bits))
