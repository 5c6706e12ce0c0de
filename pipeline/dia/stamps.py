"""Stamps of the difference image with the light of some of its sources put back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.dia.fit import Floats, Points
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel
from skyassay.pipeline.psf.render import render


@dataclass(frozen=True, eq=False)
class Stamp:
    """A square of the image.

    Attributes
    ----------
    column, row : int
        Central pixel.
    light : ndarray, shape (side, side)
        Residual and the sources that were put back; zero beyond the edge.
    points : ndarray, shape (side, side)
        The sources alone.
    weight : ndarray, shape (side, side)
        One over the variance; zero where a pixel does not count.
    shape : ndarray, shape (3,)
        Of the PSF.
    """

    column: int
    row: int
    light: Floats
    points: Floats
    weight: Floats
    shape: Floats

    @property
    def half(self) -> int:
        """Pixels from the centre to the edge."""
        return int(self.light.shape[0] // 2)

    @property
    def cut_off(self) -> bool:
        """Whether a pixel of the stamp is missing."""
        return bool((self.weight == 0.0).any())


def cut(
    plane: Plane,
    residual: Floats,
    psf: PsfModel,
    centre: tuple[float, float],
    half: int,
    members: list[tuple[Points, int]],
) -> Stamp:
    """Return the stamp around a position with the light of the members put back.

    The weight is uniform, from the noise around the first member: a pixel's own variance
    follows its own counts.
    """
    column, row = int(np.rint(centre[0])), int(np.rint(centre[1]))
    side, (ny, nx) = 2 * half + 1, plane.shape
    left, low = column - half, row - half
    first, noise = members[0][1], members[0][0].noise
    inside = np.s_[max(low, 0) : min(low + side, ny), max(left, 0) : min(left + side, nx)]
    place = np.s_[
        inside[0].start - low : inside[0].stop - low,
        inside[1].start - left : inside[1].stop - left,
    ]
    light, weight, points = np.zeros((3, side, side))
    light[place] = residual[inside]
    weight[place] = plane.good[inside] / noise[first] ** 2
    for group, k in members:
        at = group.column[k] + group.x[k] - column, group.row[k] + group.y[k] - row
        points += group.sign * group.flux[k] * drawn(psf, group.shapes[k], *at, half)
    return Stamp(column, row, light + points, points, weight, psf.shapes(column, row)[0])


def drawn(psf: PsfModel, shape: NDArray[np.float64], dx: float, dy: float, half: int) -> Floats:
    """Return a point source of unit flux at an offset from the centre of a stamp."""
    values, one, two = np.empty((3, 2 * half + 1, 2 * half + 1))
    render(psf.table, PER_STEP, psf.bump, shape, dx, dy, values, one, two)
    return np.asarray(values)
