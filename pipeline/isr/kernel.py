"""All corrections of a raw frame in one pass, row by row, so that memory is read once."""

from __future__ import annotations

import numpy as np

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.isr.compiled import Array, compiled
from skyassay.pipeline.isr.flat import flatten_row
from skyassay.pipeline.isr.linearity import linearize_row

SAT, SUSPECT = np.int32(bit("SAT")), np.int32(bit("SUSPECT"))
CROSSTALK = np.int32(bit("CROSSTALK"))
#: Highest number the converter gives.
FULL_SCALE = 65535


@compiled
def _fetch(raw: Array, level: float, column: Array, prescan: int, out: Array) -> None:
    """Copy one row of an amplifier, less its bias level."""
    for x in range(out.size):
        out[x] = np.float32(raw[prescan + x]) - level - column[x]


@compiled
def _mix(rows: Array, add: Array, a: int, out: Array, shift: Array) -> None:
    """Put amplifier a's row without crosstalk in `out`, the largest correction in `shift`."""
    n_amp, n = rows.shape
    for x in range(n):
        shift[x] = np.float32(0.0)
    for b in range(n_amp):
        c = add[a, b]
        if c != np.float32(0.0):
            for x in range(n):
                shift[x] += c * rows[b, x]
    for x in range(n):
        out[x] = rows[a, x] + shift[x]


@compiled
def _marks(
    row: Array, shift: Array, full: float, suspect: float, limit: float, mask: Array
) -> None:
    """Write the mask of a row from the counts as they were read."""
    for x in range(row.size):
        m = SUSPECT if row[x] >= suspect else np.int32(0)
        m = SAT if row[x] >= full else m
        m |= CROSSTALK if abs(shift[x]) > limit else np.int32(0)
        mask[x] = m


@compiled
def _reverse(row: Array, other: Array) -> None:
    n = row.size
    for x in range(n // 2):
        row[x], row[n - 1 - x] = row[n - 1 - x], row[x]
        other[x], other[n - 1 - x] = other[n - 1 - x], other[x]


@compiled
def reduce_amps(
    raw: Array,
    prescan: int,
    level: Array,
    column: Array,
    boxes: Array,
    flips: Array,
    add: Array,
    limit: Array,
    poly: Array,
    gain: Array,
    noise2: Array,
    share: Array,
    full: Array,
    suspect: Array,
    bias: Array,
    dark: Array,
    time: float,
    flat: Array,
    image: Array,
    mask: Array,
    variance: Array,
) -> None:
    """Fill image (electrons), mask and variance of a detector from its raw amplifiers.

    Per amplifier: boxes (x0, y0, width, height), flips (x, y), poly (c2, c3, ...), gain,
    noise2 (electrons^2), share, full, suspect (ADU above bias). add: what to add per unit of
    the other amplifiers; limit: correction from which CROSSTALK is set, ADU.
    """
    n_amp = raw.shape[0]
    width, height = boxes[0, 2], boxes[0, 3]
    rows = np.empty((n_amp, width), np.float32)
    marks = np.empty(width, np.int32)
    v, shift = np.empty(width, np.float32), np.empty(width, np.float32)
    work = np.empty(width, np.float32)
    for y in range(height):
        for a in range(n_amp):
            _fetch(raw[a, y], level[a, y], column[a], prescan, rows[a])
        for a in range(n_amp):
            _mix(rows, add, a, v, shift)
            top = np.float32(FULL_SCALE - 0.5) - level[a, y]
            _marks(rows[a], shift, min(full[a], top), suspect[a], limit[a], marks)
            if flips[a, 0]:
                _reverse(v, marks)
            at = boxes[a, 1] + (height - 1 - y if flips[a, 1] else y)
            x0, x1 = boxes[a, 0], boxes[a, 0] + width
            offset = bias[at, x0:x1]
            for x in range(width):
                v[x] -= offset[x]
            if poly.shape[1] > 0:
                linearize_row(v, poly[a], work)
            row_mask = mask[at, x0:x1]
            for x in range(width):
                row_mask[x] = marks[x]
            flatten_row(
                v, gain[a], noise2[a], share[a], dark[at, x0:x1], time, flat[at, x0:x1],
                image[at, x0:x1], row_mask, variance[at, x0:x1],
            )  # fmt: skip
