"""Sums in circular apertures, small ones by exact overlap, large ones by chords."""

from __future__ import annotations

import numpy as np
import sep
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.measurement.compiled import compiled
from skyassay.pipeline.psf.model import PsfModel

#: Radius (pixel) up to which the exact overlap of circle and pixels is summed; beyond, the
#: edge holds so little of a source that one chord per row, of the circle's mean length in
#: this row, is as good. Areas are exact with both.
EXACT = 12.0


@compiled
def _chords(
    sums: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: float,
    out: NDArray[np.float64],
) -> None:
    """Sum circles from the running sums of rows, shape (ny, nx + 1)."""
    ny, width = sums.shape
    half_square = 0.5 * radius * radius
    for k in range(len(x)):
        total = 0.0
        # The integral of sqrt(R**2 - v**2) up to the lower edge of a row, from the bottom on.
        below = -0.5 * np.pi * half_square
        for j in range(int(np.rint(y[k] - radius)), int(np.rint(y[k] + radius)) + 1):
            low, high = max(j - 0.5 - y[k], -radius), min(j + 0.5 - y[k], radius)
            if high <= low:
                continue
            above = 0.5 * high * np.sqrt(radius * radius - high * high)
            above += half_square * np.arcsin(high / radius)
            chord = (above - below) / (high - low)
            below = above
            if j < 0 or j >= ny:
                continue
            for side in (-1.0, 1.0):
                end = min(max(x[k] + side * chord + 0.5, 0.0), width - 1.0)
                i = min(int(end), width - 2)
                f = end - i
                total += side * (high - low) * ((1.0 - f) * sums[j, i] + f * sums[j, i + 1])
        out[k] = total


@compiled
def annulus_levels(
    plane: NDArray[np.float64],
    good: NDArray[np.bool_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    inner: float,
    outer: float,
    level: NDArray[np.float64],
    spread: NDArray[np.float64],
) -> None:
    """Fill mean and standard deviation of the good pixels between two radii; NaN without."""
    ny, nx = plane.shape
    for k in range(len(x)):
        n, first, second = 0, 0.0, 0.0
        for j in range(max(int(y[k] - outer), 0), min(int(y[k] + outer) + 2, ny)):
            dy2 = (j - y[k]) ** 2
            for i in range(max(int(x[k] - outer), 0), min(int(x[k] + outer) + 2, nx)):
                r2 = (i - x[k]) ** 2 + dy2
                if good[j, i] and inner * inner <= r2 < outer * outer:
                    n += 1
                    first += plane[j, i]
                    second += plane[j, i] ** 2
        level[k] = first / n if n else np.nan
        spread[k] = np.sqrt(max(second / n - level[k] ** 2, 0.0)) if n else np.nan


def circle_sums(
    plane: NDArray[np.float32],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radii: tuple[float, ...],
) -> NDArray[np.float64]:
    """Return sums of a plane in circles, shape (n, n_radii); what is outside counts zero.

    Parameters
    ----------
    plane : ndarray of float32, shape (ny, nx)
        Finite everywhere.
    x, y : ndarray, shape (n,)
        Centres, pixel.
    radii : tuple of float
        Pixel.
    """
    out = np.empty((len(x), len(radii)))
    running: NDArray[np.float64] | None = None
    for c, radius in enumerate(radii):
        if radius <= EXACT:
            out[:, c] = sep.sum_circle(plane, x, y, radius, subpix=0)[0]
            continue
        if running is None:
            running = np.zeros((plane.shape[0], plane.shape[1] + 1))
            np.cumsum(plane, axis=1, dtype=np.float64, out=running[:, 1:])
        column = np.empty(len(x))
        _chords(running, x, y, radius, column)
        out[:, c] = column
    return out


def truncated(
    shape: tuple[int, int],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radii: tuple[float, ...],
) -> NDArray[np.bool_]:
    """Return which circles reach over the edge of the detector, shape (n, n_radii)."""
    edge = np.minimum.reduce([x, y, shape[1] - 1 - x, shape[0] - 1 - y]) + 0.5
    made: NDArray[np.bool_] = edge[:, None] < np.array(radii)
    return made


def neighbours(
    psf: PsfModel,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    flux: NDArray[np.float64],
    targets: NDArray[np.intp],
    radii: tuple[float, ...],
) -> NDArray[np.float64]:
    """Return what other sources put into the apertures of the targets, shape (n_t, n_radii).

    Parameters
    ----------
    psf : PsfModel
        Drawn at the centre of the detector: the light of a neighbour, not of the target.
    x, y, flux : ndarray, shape (n,)
        Sources and their PSF fluxes.
    targets : ndarray of int, shape (n_t,)
        Index of the sources whose apertures are asked for.
    radii : tuple of float
        Pixel.
    """
    out = np.zeros((len(targets), len(radii)))
    place = np.column_stack([x, y])
    tree, few = cKDTree(place), cKDTree(place[targets])
    stamp = psf.kernel((psf.shape[1] - 1) / 2, (psf.shape[0] - 1) / 2).astype(np.float32)
    for c, radius in enumerate(radii):
        reach = radius + psf.half
        near = few.sparse_distance_matrix(tree, reach, output_type="ndarray")
        near = near[targets[near["i"]] != near["j"]]
        if not len(near):
            continue
        at, held = _held(stamp, radius, reach)
        light = flux[near["j"]] * np.interp(near["v"], at, held)
        out[:, c] = np.bincount(near["i"], weights=light, minlength=len(targets))
    return out


def _held(
    stamp: NDArray[np.float32], radius: float, reach: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return distances and the share of a star there within a circle: mean of four sides."""
    half = stamp.shape[0] // 2
    at = np.arange(0.0, reach + 1.0, 0.5)
    held = np.zeros(len(at))
    for dx, dy in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        held += circle_sums(stamp, half + at * dx, half + at * dy, (radius,))[:, 0] / 4.0
    return at, held
