"""Dipoles: a bright and a dark lobe side by side, as a shift between the images leaves them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.pipeline.dia.fit import Floats, Points
from skyassay.pipeline.dia.forced import forced_psf
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.dia.shapes_kernel import fit_shape
from skyassay.pipeline.dia.stamps import Stamp, cut, drawn
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel

#: Half side of a stamp in FWHM.
HALF = 3.0


@dataclass(frozen=True)
class Dipole:
    """Two lobes fitted together; pixels and electrons.

    Attributes
    ----------
    bright, dark : int
        Index of the lobes among the sources of their sign.
    mean, mean_error, difference, difference_error : float
        Mean of the lobes' fluxes, and bright minus dark.
    x, y : float
        Middle between the lobes.
    x_error, y_error, covariance : float
    length : float
    angle : float
        From the dark to the bright lobe, from the x axis to the y axis, degrees.
    chi2 : float
    count : int
        Pixels of the fit.
    real : bool
        It is a dipole and no pair of sources, and no source with a shadow.
    """

    bright: int
    dark: int
    mean: float
    mean_error: float
    difference: float
    difference_error: float
    x: float
    y: float
    x_error: float
    y_error: float
    covariance: float
    length: float
    angle: float
    chi2: float
    count: int
    real: bool


def pairs(bright: Points, dark: Points, reach: float) -> list[tuple[int, int]]:
    """Return bright and dark sources that are each other's nearest and at most `reach` apart."""
    if not len(bright.x) or not len(dark.x):
        return []
    one, two = (np.column_stack([p.column + p.x, p.row + p.y]) for p in (bright, dark))
    distance, to_dark = (np.asarray(a) for a in cKDTree(two).query(one))
    to_bright = np.asarray(cKDTree(one).query(two)[1])
    near = (distance <= reach) & (to_bright[to_dark] == np.arange(len(one)))
    return [(int(i), int(to_dark[i])) for i in np.flatnonzero(near)]


def fit_dipoles(
    plane: Plane,
    residual: Floats,
    groups: tuple[Points, Points],
    psf: PsfModel,
    fwhm: float,
    images: tuple[Exposure, Exposure],
    options: Options,
) -> list[Dipole]:
    """Return the dipole of every close pair of a bright and a dark source.

    Of two lobes closer than the PSF is wide only the product of flux and distance is in the
    difference image. No lobe is brighter than its source: the bright one than the science
    image's light there, the dark one than the template's.

    Parameters
    ----------
    plane, residual, groups, psf
        Of the difference image.
    fwhm : float
        Of the PSF, pixel.
    images : tuple of Exposure
        Science image and template, in the same unit.
    options : Options
    """
    found = pairs(*groups, options.pair_reach * fwhm)
    if not found:
        return []
    most = []
    for k in range(2):
        rows = np.array([pair[k] for pair in found])
        at = groups[k].column[rows] + groups[k].x[rows], groups[k].row[rows] + groups[k].y[rows]
        there = forced_psf(images[k], *at)
        light = np.nan_to_num(np.maximum(there.flux, 0.0) + 5.0 * there.error)
        most.append(np.maximum(light, 1.1 * np.abs(groups[k].flux[rows])))
    half = int(np.ceil(HALF * fwhm))
    made = []
    for n, (i, j) in enumerate(found):
        members = [(groups[0], i), (groups[1], j)]
        x, y = (
            0.5 * (p + q) for p, q in zip(*(_place(group, k) for group, k in members), strict=True)
        )
        stamp = cut(plane, residual, psf, (x, y), half, members)
        made.append(_fit(stamp, members, (most[0][n], most[1][n]), psf, fwhm, options))
    return made


def _place(points: Points, k: int) -> tuple[float, float]:
    return float(points.column[k] + points.x[k]), float(points.row[k] + points.y[k])


def _fit(
    stamp: Stamp,
    members: list[tuple[Points, int]],
    most: tuple[float, float],
    psf: PsfModel,
    fwhm: float,
    options: Options,
) -> Dipole:
    """Return the fit of two lobes to a stamp."""
    reach = options.pair_reach * fwhm
    start, low, high = np.empty((3, 6))
    for lobe, (points, k) in enumerate(members):
        x, y = _place(points, k)
        b = 3 * lobe
        start[b : b + 3] = max(points.flux[k], 1e-3), x - stamp.column, y - stamp.row
        low[b], high[b] = 0.0, most[lobe]
        low[b + 1 : b + 3], high[b + 1 : b + 3] = -reach, reach
    single = _best_point(stamp, members, psf)
    covariance = np.full((6, 6), np.nan)
    chi2 = fit_shape(
        stamp.light, stamp.weight, start, low, high, stamp.shape, psf.table, PER_STEP,
        psf.bump, covariance,
    )  # fmt: skip
    apart = start[1:3] - start[4:6]
    faint, strong = sorted((start[0], start[3]))
    real = (
        np.isfinite(chi2)
        and faint >= options.dipole_share * strong
        and single - chi2 > options.dipole_gain**2
        and float(np.hypot(*apart)) <= reach
    )
    c: NDArray[np.float64] = covariance
    both = 0.25 * (c[1:3, 1:3] + c[4:6, 4:6] + c[1:3, 4:6] + c[4:6, 1:3])
    with np.errstate(invalid="ignore"):
        errors = np.sqrt([(c[0, 0] + c[3, 3] + 2 * c[0, 3]) / 4, c[0, 0] + c[3, 3] - 2 * c[0, 3]])
        place_errors = np.sqrt(np.diag(both))
    return Dipole(
        members[0][1], members[1][1],
        float(0.5 * (start[0] + start[3])), float(errors[0]),
        float(start[0] - start[3]), float(errors[1]),
        float(stamp.column + 0.5 * (start[1] + start[4])),
        float(stamp.row + 0.5 * (start[2] + start[5])),
        float(place_errors[0]), float(place_errors[1]), float(both[0, 1]),
        float(np.hypot(*apart)), float(np.degrees(np.arctan2(apart[1], apart[0]))),
        float(chi2), int((stamp.weight > 0.0).sum()), bool(real),
    )  # fmt: skip


def _best_point(stamp: Stamp, members: list[tuple[Points, int]], psf: PsfModel) -> float:
    """Return chi-square of the better of the two lobes alone."""
    found = []
    for points, k in members:
        x, y = _place(points, k)
        p = drawn(psf, stamp.shape, x - stamp.column, y - stamp.row, stamp.half)
        w = stamp.weight
        weight = float((w * p * p).sum())
        gain = float((w * p * stamp.light).sum()) ** 2 / weight if weight > 0.0 else 0.0
        found.append(float((w * stamp.light**2).sum()) - gain)
    return min(found)
