"""An image resampled onto the pixels of another one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.wcs import SkyWcs
from skyassay.pipeline.coadd.lanczos import resample, table, widen
from skyassay.pipeline.images.mask import bit, bits

Pixels = NDArray[np.float32]
Floats = NDArray[np.float64]
#: Positions are exact at every so many pixels and linear between: the distortion of a
#: telescope bends by less than 0.001 pixel over that distance.
STEP = 32
#: Defects are widened by so many pixels before they are carried: the strong weights of the window.
WIDER = 2
#: Planes that are carried to the resampled image.
CARRIED = bits(
    "BAD", "SAT", "CR", "EDGE", "SUSPECT", "NO_DATA", "CROSSTALK", "STREAK", "UNMASKEDNAN"
)  # fmt: skip


@dataclass(frozen=True)
class Box:
    """Columns x0 <= x < x1 and rows y0 <= y < y1."""

    x0: int
    x1: int
    y0: int
    y1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.y1 - self.y0, self.x1 - self.x0)

    def meet(self, other: Box) -> Box | None:
        """Return what both have, None where that is nothing."""
        made = Box(
            max(self.x0, other.x0), min(self.x1, other.x1),
            max(self.y0, other.y0), min(self.y1, other.y1),
        )  # fmt: skip
        return made if made.x0 < made.x1 and made.y0 < made.y1 else None


def around(boxes: Sequence[Box]) -> Box | None:
    """Return the smallest box about all boxes, None about none."""
    if not boxes:
        return None
    return Box(
        min(b.x0 for b in boxes), max(b.x1 for b in boxes),
        min(b.y0 for b in boxes), max(b.y1 for b in boxes),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Planes:
    """Image, variance and mask of one size; arrays have shape (ny, nx)."""

    image: Pixels
    variance: Pixels
    mask: NDArray[np.int32]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Planes:
        """Return planes without data."""
        return cls(
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
            np.full(shape, bit("NO_DATA"), np.int32),
        )


def footprint(source: SkyWcs, shape: tuple[int, int], target: SkyWcs) -> Box | None:
    """Return the box of target pixels that an image of `shape` reaches.

    None where a part of its edge has no place in the target's plane (90 degrees off or more).
    """
    ny, nx = shape
    along = np.linspace(0.0, 1.0, 17)
    x = np.concatenate([along, along, np.zeros(17), np.ones(17)]) * nx - 0.5
    y = np.concatenate([np.zeros(17), np.ones(17), along, along]) * ny - 0.5
    u, v = target.sky_to_pixel(*source.pixel_to_sky(x, y))
    if not (np.isfinite(u).all() and np.isfinite(v).all()):
        return None
    return Box(
        int(np.floor(u.min())), int(np.ceil(u.max())) + 1,
        int(np.floor(v.min())), int(np.ceil(v.max())) + 1,
    )  # fmt: skip


def mapping(source: SkyWcs, target: SkyWcs, box: Box, step: int = STEP) -> Floats:
    """Return input x, y and area of an output pixel at the nodes over a box of the target.

    Returns
    -------
    ndarray, shape (n_rows, n_columns, 3)
    """
    rows, columns = (-(-n // step) + 1 for n in box.shape)
    at_x = box.x0 + np.arange(columns) * float(step)
    at_y = box.y0 + np.arange(rows) * float(step)
    made = np.empty((rows, columns, 3))
    x, y = np.meshgrid(at_x, at_y)
    made[..., 0], made[..., 1] = source.sky_to_pixel(*target.pixel_to_sky(x, y))
    by_row, by_column = (np.gradient(made[..., :2], step, axis=k) for k in (0, 1))
    made[..., 2] = np.abs(by_column[..., 0] * by_row[..., 1] - by_column[..., 1] * by_row[..., 0])
    return made


def warp(source: Planes, source_wcs: SkyWcs, target_wcs: SkyWcs, box: Box) -> tuple[Planes, int]:
    """Return an image on a box of the target's pixels, and how many of them have data.

    Flux is conserved: values are per pixel, and scale with the area of a pixel.

    Parameters
    ----------
    source : Planes
        Finite; its mask tells what is not good.
    source_wcs, target_wcs : SkyWcs
    box : Box
        Of the target's pixels.
    """
    made = Planes.empty(box.shape)
    mask = np.empty_like(source.mask)
    widen(source.mask & np.int32(CARRIED), WIDER, mask)
    filled = resample(
        np.ascontiguousarray(source.image),
        np.ascontiguousarray(source.variance),
        mask,
        mapping(source_wcs, target_wcs, box),
        STEP,
        table(),
        bit("NO_DATA"),
        made.image,
        made.variance,
        made.mask,
    )
    return made, int(filled)
