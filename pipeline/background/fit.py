"""Fit of the sky: a robust first look, and clipped means once the sources are masked."""

from __future__ import annotations

import numpy as np
import sep
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from skyassay.pipeline.background.mesh import clipped_means
from skyassay.pipeline.background.model import Background
from skyassay.pipeline.measurement.errors import MeasurementError

#: Noise (standard deviations) beyond which a pixel of a cell is left out.
CLIP = 3.0
#: Standard deviation of a unit Gaussian clipped at 3 of its own until nothing changes.
CUT_WIDTH = 0.98485
#: A cell with a smaller share of usable pixels takes its value from its neighbours.
LEAST_SHARE = 0.05


def first_background(
    image: NDArray[np.float32], good: NDArray[np.bool_], mesh: int
) -> NDArray[np.float32]:
    """Return the sky of every pixel while nothing is known of the sources.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons.
    good : ndarray of bool, shape (ny, nx)
        Usable pixels.
    mesh : int
        Side of a cell, pixel.

    Notes
    -----
    The mode estimate of SExtractor, which withstands unmasked sources, from `sep`.
    """
    found = sep.Background(image, mask=~good, bw=mesh, bh=mesh)
    made: NDArray[np.float32] = found.back(dtype=np.float32)
    return made


def fit_background(image: NDArray[np.float32], sky: NDArray[np.bool_], mesh: int) -> Background:
    """Return the background fitted to the pixels without sources.

    Parameters
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons, with the sky.
    sky : ndarray of bool, shape (ny, nx)
        Good pixels outside every detection.
    mesh : int
        Side of a cell, pixel; cells are made a little smaller or larger to fill the image.

    Raises
    ------
    MeasurementError
        `no_good_pixels` when no cell has sky.

    Notes
    -----
    The clipped mean, not a mode: the light of sources too faint to be found lies under the
    detected ones too. A 3 x 3 median over the cells removes haloes of bright stars.
    """
    edges = [np.linspace(0, n, max(round(n / mesh), 1) + 1).astype(np.int64) for n in image.shape]
    cells = (len(edges[0]) - 1, len(edges[1]) - 1)
    level, noise = np.empty(cells), np.empty(cells)
    count = np.empty(cells, dtype=np.int64)
    clipped_means(image, sky, edges[0], edges[1], CLIP, level, noise, count)
    area = np.outer(np.diff(edges[0]), np.diff(edges[1]))
    known = count >= np.maximum(LEAST_SHARE * area, 2)
    if not known.any():
        raise MeasurementError(
            "No part of the image shows empty sky.",
            code="no_good_pixels",
            hint="Look at its mask: everything is masked or covered by sources.",
        )
    nodes = [(e[1:] + e[:-1] - 1) / 2.0 for e in edges]
    filled = [_smooth(_filled(values, known)) for values in (level, noise / CUT_WIDTH)]
    return Background(filled[0], filled[1], nodes[0], nodes[1], (image.shape[0], image.shape[1]))


def _filled(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return values with unknown cells replaced by the mean of the nearest known ones."""
    if known.all():
        return values
    at, unknown = np.argwhere(known), np.argwhere(~known)
    made = values.copy()
    for j, i in unknown:
        distance = np.hypot(at[:, 0] - j, at[:, 1] - i)
        near = at[distance <= distance.min() + 0.5]
        made[j, i] = values[near[:, 0], near[:, 1]].mean()
    return made


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 3 x 3 medians; beyond its edges the mesh goes on as an odd reflection.

    So a tilted sky keeps its tilt up to the border.
    """
    for axis in range(2):
        width = [(0, 0), (0, 0)]
        width[axis] = (1, 1)
        if values.shape[axis] > 1:
            values = np.pad(values, width, mode="reflect", reflect_type="odd")
        else:
            values = np.pad(values, width, mode="edge")
    made: NDArray[np.float64] = median_filter(values, size=3)[1:-1, 1:-1]
    return made
