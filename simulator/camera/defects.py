"""Pixels that are not as the others: hot ones, dead and trap columns, insensitive blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Amplifier, Detector
from skyassay.simulator.camera.terms import CameraTerms

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Defect:
    """A box of pixels with a defect.

    Attributes
    ----------
    kind : str
        ``HOT_PIXEL``, ``HOT_COLUMN``, ``DEAD_COLUMN``, ``TRAP_COLUMN`` or ``BAD_BLOCK``.
    x0, y0, width, height : int
        Box in the assembled detector.
    size : float
        Electrons per second of hot pixels, share of charge lost in a trap, else the
        sensitivity over that of a good pixel.
    """

    kind: str
    x0: int
    y0: int
    width: int
    height: int
    size: float

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return slice(self.y0, self.y0 + self.height), slice(self.x0, self.x0 + self.width)


def draw(detector: Detector, terms: CameraTerms, stream: np.random.Generator) -> tuple[Defect, ...]:
    """Return the defects of a detector."""
    area = detector.nx * detector.ny
    low, high = np.log(terms.hot_rate)
    hot = round(terms.hot_share * area)
    xs, ys = stream.integers(detector.nx, size=hot), stream.integers(detector.ny, size=hot)
    rates = np.exp(stream.uniform(low, high, hot))
    found = [
        Defect("HOT_PIXEL", int(x), int(y), 1, 1, float(r))
        for x, y, r in zip(xs, ys, rates, strict=True)
    ]
    columns = (
        ("DEAD_COLUMN", terms.dead_columns, 0.0),
        ("TRAP_COLUMN", terms.trap_columns, terms.trap_share),
        ("HOT_COLUMN", terms.hot_columns, terms.hot_column_rate),
    )
    for kind, density, size in columns:
        number = _number(density, area, stream)
        found += [_column(kind, detector, size, stream) for _ in range(number)]
    side = terms.block_size
    for _ in range(_number(terms.bad_blocks, area, stream)):
        x, y = stream.integers(detector.nx - side), stream.integers(detector.ny - side)
        found.append(Defect("BAD_BLOCK", int(x), int(y), side, side, terms.block_sensitivity))
    return tuple(found)


def _number(density: float, area: int, stream: np.random.Generator) -> int:
    """Return how many there are: the mean rounded up or down at random."""
    return int(np.floor(density * area / 2**20 + stream.uniform()))


def _column(kind: str, detector: Detector, size: float, stream: np.random.Generator) -> Defect:
    """Return a column of an amplifier; one of a trap begins at a row and goes on from there."""
    amps = detector.amplifiers
    amp: Amplifier = amps[int(stream.integers(len(amps)))]
    x = amp.x0 + int(stream.integers(amp.width))
    start = int(stream.integers(amp.height // 2)) if kind == "TRAP_COLUMN" else 0
    # Rows are read from y0 upwards, or from the top downwards.
    y = amp.y0 if amp.flip_y else amp.y0 + start
    return Defect(kind, x, y, 1, amp.height - start, size)


def defect_mask(defects: Iterable[Defect], detector: Detector) -> NDArray[np.bool_]:
    """Return where the detector has a defect, shape (ny, nx)."""
    mask = np.zeros((detector.ny, detector.nx), dtype=np.bool_)
    for defect in defects:
        mask[defect.box] = True
    return mask


def add_dark(dark: Floats, defects: Iterable[Defect]) -> None:
    """Add the dark current of hot pixels and columns, electrons per second, in place."""
    for defect in defects:
        if defect.kind.startswith("HOT_"):
            dark[defect.box] += np.float32(defect.size)


def dim(sensitivity: Floats, defects: Iterable[Defect]) -> None:
    """Multiply the sensitivity of dead columns and insensitive blocks, in place."""
    for defect in defects:
        if defect.kind in ("DEAD_COLUMN", "BAD_BLOCK"):
            sensitivity[defect.box] *= np.float32(defect.size)


def trap(charge: Floats, defects: Iterable[Defect]) -> None:
    """Take from each pixel that is read through a trap its share, in place."""
    for defect in defects:
        if defect.kind == "TRAP_COLUMN":
            charge[defect.box] *= np.float32(1.0 - defect.size)
