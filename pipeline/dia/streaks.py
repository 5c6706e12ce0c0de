"""Streaks of satellites: lines across the detector, found by sums along all lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter, uniform_filter1d

from skyassay.pipeline.dia.line_kernel import band_sums, cell_sums, line_sums, take_from_lines
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.prepare import Plane

Floats = NDArray[np.float64]
#: Side of the cells that lines are sought in, pixel; their signal-to-noise is bounded, so that
#: no star outweighs a line; the mean of so many cells around is taken off.
CELL, MOST, AROUND = 8, 3.0, 15
#: A line with fewer cells is not looked at; a streak is at least so long, pixel.
LEAST_CELLS, LEAST_LENGTH = 32, 256.0
#: Parts of a line, pixel; half-width of the band around it.
CHUNK, REACH = 64.0, 40
#: Half-width of a streak at least, and what is added to that found, pixel.
LEAST_WIDTH, MARGIN = 4.0, 2.0


@dataclass(frozen=True)
class Streak:
    """A straight band: u cos(angle) + v sin(angle) = offset, from the middle of the image.

    Attributes
    ----------
    angle : float
        Of the normal, radians.
    offset : float
        Pixel.
    start, end : float
        Along the line, pixel.
    half_width : float
        Pixel.
    snr : float
        Significance of the sum along the line.
    """

    angle: float
    offset: float
    start: float
    end: float
    half_width: float
    snr: float

    def covers(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Return which pixels lie in it."""
        v = np.arange(shape[0])[:, None] - 0.5 * (shape[0] - 1)
        u = np.arange(shape[1])[None, :] - 0.5 * (shape[1] - 1)
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        across = np.abs(u * cosine + v * sine - self.offset) <= self.half_width
        along = v * cosine - u * sine
        made: NDArray[np.bool_] = across & (along >= self.start) & (along <= self.end)
        return made


def find_streaks(plane: Plane, options: Options) -> list[Streak]:
    """Return the streaks of a difference image, most significant first."""
    good, found = plane.good.copy(), []
    for _ in range(options.most_streaks):
        line = _best_line(plane, good)
        if line is None or line[2] < options.streak_snr:
            break
        streak = _refined(plane, good, *line)
        if streak is None:
            break
        found.append(streak)
        good &= ~streak.covers(plane.shape)
    return found


def mask_streaks(plane: Plane, options: Options) -> list[Streak]:
    """Return the streaks; their pixels get STREAK and are no longer good."""
    found = find_streaks(plane, options)
    for streak in found:
        covered = streak.covers(plane.shape)
        plane.mask[covered] |= bit("STREAK")
        plane.good[covered] = False
    return found


def _cells(plane: Plane, good: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the bounded signal-to-noise of cells, and which have enough pixels."""
    shape = plane.shape[0] // CELL, plane.shape[1] // CELL
    signal, spread, area = (np.zeros(shape, np.float32) for _ in range(3))
    cell_sums(plane.image, plane.variance, good, CELL, signal, spread, area)
    there = (area >= 0.5 * CELL * CELL) & (spread > 0.0)
    value = np.zeros_like(signal)
    np.divide(signal, np.sqrt(np.maximum(spread, 0.0)), out=value, where=there)
    value = np.clip(value, -MOST, MOST)
    value -= uniform_filter(value, AROUND)
    return np.where(there, value, np.float32(0.0)).astype(np.float32), there


@lru_cache(maxsize=4)
def _lines(shape: tuple[int, int]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the directions of lines, and how many cells each has where none is missing.

    The same for all detectors of a camera; not to be written to.
    """
    size = int(np.ceil(np.hypot(*shape))) + 4
    # Neighbouring angles part by one cell at the end of a line.
    angles = np.arange(0.0, np.pi, 1.0 / max(shape))
    number = np.zeros((len(angles), size))
    line_sums(np.ones(shape, np.float32), angles, number)
    return angles, number.astype(np.int64)


def _best_line(plane: Plane, good: NDArray[np.bool_]) -> tuple[float, float, float] | None:
    """Return angle, offset (pixel) and significance of the brightest line; None without cells."""
    value, there = _cells(plane, good)
    angles, full = _lines(value.shape)
    total, count = np.zeros(full.shape), full.copy()
    line_sums(value, angles, total)
    row, column = np.nonzero(~there)
    take_from_lines(row, column, value.shape, angles, count)
    enough = count >= LEAST_CELLS
    if not enough.any():
        return None
    spread = float(value[there].std())
    significance = np.where(enough, total / np.sqrt(np.maximum(count, 1)), -np.inf)
    k, j = np.unravel_index(int(np.argmax(significance)), total.shape)
    # From the middle of the cells to that of the image.
    shift = [0.5 * (n // CELL * CELL - n) for n in plane.shape]
    angle = float(angles[k])
    offset = (j - full.shape[1] // 2) * CELL + shift[1] * np.cos(angle) + shift[0] * np.sin(angle)
    return angle, float(offset), float(significance[k, j] / max(spread, 1e-6))


def _refined(
    plane: Plane, good: NDArray[np.bool_], angle: float, offset: float, snr: float
) -> Streak | None:
    """Return the streak with its true place, ends and width; None where it is too short."""
    n_chunks = 2 * int(np.ceil(np.hypot(*plane.shape) / CHUNK / 2.0)) + 2
    tilt = 0.0
    place: Floats = (np.arange(n_chunks, dtype=np.float64) + 0.5 - 0.5 * n_chunks) * CHUNK
    for _ in range(3):
        total, count = _band(plane, good, angle, offset, tilt, n_chunks)
        step = _centres(total, count, place)
        if step is None:
            return None
        offset, tilt = offset + step[0], tilt + step[1]
    total, count = _band(plane, good, angle, offset, tilt, n_chunks)
    half_width = _half_width(total.sum(axis=0), count.sum(axis=0))
    ends = _ends(total, count, half_width, place)
    if ends[1] - ends[0] < LEAST_LENGTH:
        return None
    turned = float(np.arctan(tilt))
    # d = offset + tilt s: the same line seen along its own normal.
    return Streak(angle - turned, float(offset * np.cos(turned)), *ends, half_width, snr)


def _band(
    plane: Plane, good: NDArray[np.bool_], angle: float, offset: float, tilt: float, n: int
) -> tuple[Floats, Floats]:
    total, count = np.zeros((n, 2 * REACH + 1)), np.zeros((n, 2 * REACH + 1))
    band_sums(
        plane.image, plane.variance, good, np.cos(angle), np.sin(angle), offset, tilt, MOST,
        CHUNK, total, count,
    )  # fmt: skip
    return total, count


def _centres(total: Floats, count: Floats, place: Floats) -> tuple[float, float] | None:
    """Return the line's shift and tilt from the brightest place across in every part."""
    light, n = (uniform_filter1d(a, 7, axis=1, mode="constant") * 7.0 for a in (total, count))
    score = np.where(n > 0.0, light / np.sqrt(np.maximum(n, 1.0)), 0.0)
    inner = np.s_[:, REACH - 16 : REACH + 17]
    at = np.argmax(score[inner], axis=1) - 16.0
    best = score[inner].max(axis=1)
    weight = np.where(best > 3.0, best**2, 0.0)
    for _ in range(3):
        if (weight > 0.0).sum() < 3:
            return None
        slope, level = np.polyfit(place, at, 1, w=np.sqrt(weight))
        weight = np.where(np.abs(at - level - slope * place) < 4.0, weight, 0.0)
    return float(level), float(slope)


def _half_width(total: Floats, count: Floats) -> float:
    """Return how far from its middle the profile stands out of the noise, pixel."""
    light, n = (uniform_filter1d(a, 3, mode="constant") * 3.0 for a in (total, count))
    out = light < 3.0 * np.sqrt(np.maximum(n, 1.0))
    right = int(np.argmax(np.append(out[REACH:], True)))
    left = int(np.argmax(np.append(out[REACH::-1], True)))
    return max(float(max(left, right)), LEAST_WIDTH) + MARGIN


def _ends(total: Floats, count: Floats, half_width: float, place: Floats) -> tuple[float, float]:
    """Return the ends of the part of the line that is bright.

    The run of parts with the largest sum of brightness over half the mean of the bright ones.
    """
    reach = int(half_width)
    inner = np.s_[:, max(REACH - reach, 0) : REACH + reach + 1]
    n = count[inner].sum(axis=1)
    bright = np.where(n > 0.0, total[inner].sum(axis=1) / np.sqrt(np.maximum(n, 1.0)), np.nan)
    seen = np.flatnonzero(np.isfinite(bright))
    level = 0.5 * float(np.mean(np.sort(bright[seen])[len(seen) // 2 :]))
    best, start, run, ends = -np.inf, 0, 0.0, (0, 0)
    for k, value in enumerate(bright[seen] - level):
        if run <= 0.0:
            run, start = 0.0, k
        run += float(value)
        if run > best:
            best, ends = run, (start, k)
    # Where the line leaves the image it is masked to the edge.
    first, last = seen[ends[0]], seen[ends[1]]
    low = -np.inf if ends[0] <= 1 else place[first] - 0.5 * CHUNK
    high = np.inf if ends[1] >= len(seen) - 2 else place[last] + 0.5 * CHUNK
    return float(max(low, place[seen[0]] - CHUNK)), float(min(high, place[seen[-1]] + CHUNK))
