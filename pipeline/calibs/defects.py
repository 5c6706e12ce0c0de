"""Defects: pixels that no calibration makes good."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.calibs.combine import CalibFrame
from skyassay.pipeline.calibs.errors import CalibError
from skyassay.pipeline.images.mask import bit

#: A pixel is hot from this rate, electrons per second: in 30 s its noise is that of a faint
#: sky; and this many sigma above the median.
HOT_RATE, HOT_SIGMA = 3.0, 8.0
#: Response relative to the neighbourhood below which a pixel is dead, or low; above: high.
DEAD, LOW, HIGH = 0.2, 0.8, 1.2
#: Neighbourhood, pixels.
BLOCK = 32
KINDS = ("hot", "dead", "low", "high", "trap")
#: Loss of response from bright to faint light, of a run of this many pixels of a column, beyond
#: which charge is trapped; and its significance.
TRAP_LOSS, TRAP_SIGMA, TRAP_RUN = 0.03, 8.0, 32


def local_median(image: NDArray[np.floating], block: int = BLOCK) -> NDArray[np.float64]:
    """Return the median of each block of pixels, repeated over it; NaN of empty blocks."""
    ny, nx = image.shape
    out = np.empty((ny, nx))
    for y in range(0, ny, block):
        for x in range(0, nx, block):
            part = image[y : y + block, x : x + block]
            good = part[np.isfinite(part)]
            out[y : y + block, x : x + block] = np.median(good) if good.size else np.nan
    return out


def trapped(faint: NDArray[np.floating], bright: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which pixels lose charge on their way: faint light suffers, bright hardly.

    Medians of runs of 32 pixels along the columns, which charge moves along, of the ratio of
    the two flats; a run is one where it is low by 3 % and by 8 sigma.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(bright > DEAD, faint / bright, np.nan)
    lost = np.zeros(ratio.shape, bool)
    for y in range(0, ratio.shape[0], TRAP_RUN):
        part = ratio[y : y + TRAP_RUN]
        usable = np.isfinite(part).sum(axis=0) > len(part) // 2
        if not usable.any():
            continue
        middle = np.full(part.shape[1], np.nan)
        middle[usable] = np.nanmedian(part[:, usable], axis=0)
        typical = np.nanmedian(middle)
        width = 1.4826 * np.nanmedian(np.abs(middle - typical))
        lost[y : y + TRAP_RUN] = middle < typical - max(TRAP_LOSS * typical, TRAP_SIGMA * width)
    return lost


def find_defects(
    dark: CalibFrame | None = None,
    flat: CalibFrame | None = None,
    faint: CalibFrame | None = None,
) -> NDArray[np.uint8]:
    """Return the kind of each pixel: 0 good, k + 1 of `KINDS`.

    Raises
    ------
    CalibError
        ``no_frames`` with neither; ``frame_shape`` where they differ.
    """
    frames = [f for f in (dark, flat, faint) if f is not None]
    if not frames or len({f.image.shape for f in frames}) > 1:
        raise CalibError(
            "Defects need a dark or a flat, or both of one detector.",
            code="frame_shape" if frames else "no_frames",
            hint="Build the dark and the flat first.",
        )
    kind = np.zeros(frames[0].image.shape, np.uint8)
    if flat is not None:
        ratio = flat.image / local_median(flat.image)
        kind[ratio > HIGH] = 4
        kind[ratio < LOW] = 3
        kind[~(ratio >= DEAD)] = 2  # NaN too
    if flat is not None and faint is not None:
        kind[trapped(faint.image, flat.image) & (kind == 0)] = KINDS.index("trap") + 1
    if dark is not None:
        rate = np.where(np.isfinite(dark.image), dark.image, np.inf)
        good = dark.image[np.isfinite(dark.image)]
        middle = np.median(good) if good.size else 0.0
        width = 1.4826 * np.median(np.abs(good - middle)) if good.size else 0.0
        kind[rate > middle + max(HOT_RATE, HOT_SIGMA * width)] = 1
    return kind


def boxes(kind: NDArray[np.uint8]) -> Table:
    """Return boxes that cover exactly the pixels with a kind.

    Runs along the columns; runs of equal extent in neighbouring columns become one box.
    """
    rows: list[list[Any]] = []
    open_boxes: dict[tuple[int, int, int], int] = {}
    for x in np.nonzero(kind.any(axis=0))[0]:
        column = kind[:, x].astype(np.int16)
        edges = np.nonzero(np.diff(column, prepend=0, append=0))[0]
        now: dict[tuple[int, int, int], int] = {}
        for y0, y1 in pairwise(edges):
            if column[y0] == 0:
                continue
            key = (int(y0), int(y1), int(column[y0]))
            place = open_boxes.get(key)
            if place is not None and rows[place][0] + rows[place][2] == x:
                rows[place][2] += 1
            else:
                place = len(rows)
                rows.append([int(x), key[0], 1, key[1] - key[0], KINDS[key[2] - 1]])
            now[key] = place
        open_boxes = now
    made = Table(
        rows=rows or None,
        names=("x0", "y0", "width", "height", "kind"),
        dtype=("i4", "i4", "i4", "i4", "U8"),
    )
    for name in ("x0", "y0", "width", "height"):
        made[name].unit = u.pixel
    return made


def build_defects(
    dark: CalibFrame | None = None,
    flat: CalibFrame | None = None,
    faint: CalibFrame | None = None,
) -> tuple[Table, NDArray[np.int32], dict[str, Any]]:
    """Return the defects of a detector.

    Parameters
    ----------
    dark : CalibFrame, optional
        Electrons per second; hot pixels come from it.
    flat : CalibFrame, optional
        Relative response; dead, low and high pixels come from it.
    faint : CalibFrame, optional
        A flat of about a tenth of the light of `flat`, or less: columns with traps come from it.

    Returns
    -------
    Table
        x0, y0, width, height (pixels), kind; no row for a perfect detector.
    ndarray of int32
        BAD where there is a defect.
    dict
        ``nHot nDead nLow nHigh nTrap`` pixels, ``badFraction``.
    """
    kind = find_defects(dark, flat, faint)
    mask = np.where(kind > 0, bit("BAD"), 0).astype(np.int32)
    counts = {f"n{name.capitalize()}": int((kind == k + 1).sum()) for k, name in enumerate(KINDS)}
    return boxes(kind), mask, {**counts, "badFraction": float((kind > 0).mean())}
