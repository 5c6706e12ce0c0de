"""Blocks of visits: a patch of neighbouring fields, seen once and then once more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.survey.fields import Fields

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Seconds: shutter open, the shortest way to the next field, each further degree, a new filter.
EXPOSURE, OVERHEAD, PER_DEGREE, FILTER_CHANGE = 30.0, 5.0, 0.35, 120.0
#: Degrees that the shortest way covers, and the height of the strips in which a patch is swept.
_STRIDE, _STRIP = 3.0, 3.0
#: Farthest field of a patch, deg, and what a degree costs, in visits.
_REACH, _PER_DEGREE_AWAY = 25.0, 0.5


@dataclass(frozen=True, eq=False)
class Block:
    """Visits in a row.

    Attributes
    ----------
    start : ndarray, shape (n,)
        Seconds from the beginning of the block to the opening of the shutter.
    field, band : ndarray of int64, shape (n,)
    seconds : float
        From the beginning to the end of the last overhead.
    """

    start: Floats
    field: Ints
    band: Ints
    seconds: float

    def first(self, number: int) -> Block:
        """Return the block cut after its first visits, at least one."""
        kept = slice(0, max(number, 1))
        start = self.start[kept]
        seconds = float(start[-1] + EXPOSURE + OVERHEAD)
        return Block(start, self.field[kept], self.band[kept], seconds)


def patch(fields: Fields, score: Floats, number: int) -> Ints:
    """Return the fields to visit together: the best one, and the best near it, in sweep order.

    Parameters
    ----------
    fields : Fields
    score : ndarray, shape (n_fields,)
        How much a field is wanted, in visits; minus infinity where it cannot be seen.
    number : int
        Fields wanted; there may be fewer within reach.
    """
    seed = int(np.argmax(score))
    cosine = fields.vector @ fields.vector[seed]
    near = np.flatnonzero((cosine > np.cos(np.radians(_REACH))) & np.isfinite(score))
    away = np.degrees(np.arccos(np.minimum(cosine[near], 1.0)))
    value = score[near] - _PER_DEGREE_AWAY * away
    if len(near) > number:
        near = near[np.sort(np.argpartition(-value, number - 1)[:number])]
    return near[_sweep(fields, near)]


def _sweep(fields: Fields, chosen: Ints) -> Ints:
    """Return an order in strips, to and fro."""
    dec = fields.dec[chosen]
    ra = np.radians(fields.ra[chosen])
    middle = np.arctan2(np.sin(ra).mean(), np.cos(ra).mean())
    x = np.angle(np.exp(1j * (ra - middle)))
    strip = np.floor((dec - dec.min()) / _STRIP).astype(np.int64)
    return np.lexsort((np.where(strip % 2 == 0, x, -x), strip))


def pair_block(fields: Fields, path: Ints, bands: tuple[int, int]) -> Block:
    """Return a patch visited twice, the second time in the second band."""
    twice = np.concatenate([path, path])
    band = np.repeat(np.array(bands, dtype=np.int64), len(path))
    return _timed(fields, twice, band)


def deep_block(fields: Fields, target: int, bands: tuple[int, ...], each: int) -> Block:
    """Return one field visited `each` times in every band."""
    band = np.repeat(np.array(bands, dtype=np.int64), each)
    return _timed(fields, np.full(len(band), target, dtype=np.int64), band)


def _timed(fields: Fields, path: Ints, band: Ints) -> Block:
    """Return the path with its times; a change of filter hides a slew."""
    vector = fields.vector[path]
    cosine = np.einsum("nk,nk->n", vector[1:], vector[:-1])
    away = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    pause = OVERHEAD + PER_DEGREE * np.maximum(away - _STRIDE, 0.0)
    pause = np.where(np.diff(band) != 0, np.maximum(pause, FILTER_CHANGE), pause)
    start = np.concatenate([[0.0], np.cumsum(EXPOSURE + pause)])
    return Block(start, path, band, float(start[-1] + EXPOSURE + OVERHEAD))
