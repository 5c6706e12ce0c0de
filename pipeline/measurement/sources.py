"""Detected sources measured together: their stamps, apertures, flags, as one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.background.model import Background
from skyassay.pipeline.detection.detect import Detections
from skyassay.pipeline.measurement.apertures import (
    annulus_levels,
    circle_sums,
    neighbours,
    truncated,
)
from skyassay.pipeline.measurement.flags import any_bits, flag_columns, footprint_bits
from skyassay.pipeline.measurement.kernel import COLUMNS, measure_stamps
from skyassay.pipeline.measurement.options import RADII, Options
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.measurement.sky_sources import sky_places
from skyassay.pipeline.psf.model import PER_STEP, PsfModel
from skyassay.pipeline.psf.sweep import sweep

#: Farthest a position may move from its peak, pixel.
MOST_SHIFT = 3.0
#: Share of the PSF's weight on good pixels below which a flux is flagged.
LEAST_SHARE = 0.5
#: Annulus of the local background, in widths of the PSF (those of Rubin's LocalBackground).
ANNULUS = (7.0, 15.0)
#: Pixels looked at around a place without a footprint.
SKY_REACH = 4


@dataclass(frozen=True, eq=False)
class Scene:
    """All sources of an image, fitted together.

    Attributes
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons without the sky.
    residual : ndarray of float64, shape (ny, nx)
        The image without the PSF flux of every source.
    column, row : ndarray of int, shape (n,)
        Central pixels of the stamps.
    x, y, flux : ndarray, shape (n,)
        Position from the central pixel, and flux of the fit.
    noise : ndarray, shape (n,)
        Standard deviation of the sky, electrons.
    shapes : ndarray, shape (n, 3)
    moved : ndarray of bool, shape (n,)
        False where the position could not be fitted.
    parent : ndarray of int, shape (n,)
        Number of the footprint; -1 for empty places.
    """

    image: NDArray[np.float32]
    residual: NDArray[np.float64]
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]
    noise: NDArray[np.float64]
    shapes: NDArray[np.float64]
    moved: NDArray[np.bool_]
    parent: NDArray[np.int64]


def fit_scene(
    plane: Plane,
    image: NDArray[np.float32],
    background: Background,
    found: Detections,
    psf: PsfModel,
    options: Options,
    seed: int,
) -> Scene:
    """Return the sources, fitted simultaneously, and empty places at fixed positions."""
    sky_x, sky_y = sky_places((found.basin > 0) | ~plane.good, options.sky_sources, seed)
    column = np.concatenate([found.x, sky_x.astype(np.int64)])
    row = np.concatenate([found.y, sky_y.astype(np.int64)])
    n, real = len(column), len(found)
    px, py = column.astype(np.float64), row.astype(np.float64)
    noise, shapes = background.noise_at(px, py), psf.shapes(px, py)
    x, y, flux = np.zeros(n), np.zeros(n), np.zeros(n)
    free = np.ones(n, dtype=np.bool_)
    residual = image.astype(np.float64)
    one = slice(0, real)
    for turn in range(options.sweeps):
        sweep(
            residual, plane.good, noise[one], column[one], row[one], x[one], y[one], flux[one],
            shapes[one], free[one], psf.table, PER_STEP, psf.bump, psf.half,
            3 if turn == 0 else 1, MOST_SHIFT,
        )  # fmt: skip
    parent = np.concatenate([found.parent, np.full(n - real, -1)])
    return Scene(image, residual, column, row, x, y, flux, noise, shapes, free, parent)


def stamp_results(
    plane: Plane, scene: Scene, psf: PsfModel, rows: NDArray[np.intp], whole: NDArray[np.bool_]
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """Return the columns of the kernel for rows of the scene, and whose moments converged."""
    out = np.empty((len(rows), len(COLUMNS)))
    shaped = np.zeros(len(rows), dtype=np.bool_)
    measure_stamps(
        scene.residual, scene.image, plane.variance, plane.good, scene.noise[rows],
        scene.column[rows], scene.row[rows], scene.x[rows], scene.y[rows], scene.flux[rows],
        whole, scene.shapes[rows], psf.table, PER_STEP, psf.bump, psf.half, out, shaped,
    )  # fmt: skip
    return {name: out[:, k] for k, name in enumerate(COLUMNS)}, shaped


def measure_sources(plane: Plane, scene: Scene, found: Detections, psf: PsfModel) -> Table:
    """Return the table of sources, parents and empty places; fluxes are not yet corrected.

    Rows: single sources and children of the blends first, brightest peak first; then empty
    places; then the blends as a whole. Units: pixels and electrons.
    """
    children = np.bincount(found.parent, minlength=1)
    blends = np.flatnonzero(children > 1)
    # Peaks come brightest first: the first of a footprint stands for the blend.
    first = np.unique(found.parent, return_index=True)[1][blends]
    rows = np.concatenate([np.arange(len(scene.x)), first]).astype(np.intp)
    n, real, alone = len(rows), len(found), len(scene.x)
    whole = np.arange(n) >= alone
    results, shaped = stamp_results(plane, scene, psf, rows, whole)
    x, y = scene.column[rows] + scene.x[rows], scene.row[rows] + scene.y[rows]
    table = Table()
    table["x"], table["y"] = x, y
    sky = (np.arange(n) >= real) & ~whole
    table["sky_source"] = sky
    place = np.full(len(children), -1)
    place[blends] = alone + np.arange(len(blends))
    in_blend = np.concatenate([place[found.parent], np.full(n - real, -1)])
    table["parent"] = in_blend
    table["deblend_nChild"] = np.where(whole, children[scene.parent[rows]], 0).astype(np.int32)
    table["detect_isPrimary"] = ~whole & ~sky
    table["detect_isDeblendedSource"] = in_blend >= 0
    _stamp_columns(table, results, shaped, ~scene.moved[rows] | sky, psf)
    _aperture_columns(table, plane, scene, psf, rows, whole)
    _mask_columns(table, plane, found, blends, sky)
    return table


def _stamp_columns(
    table: Table,
    results: dict[str, NDArray[np.float64]],
    shaped: NDArray[np.bool_],
    fixed: NDArray[np.bool_],
    psf: PsfModel,
) -> None:
    bad = ~(results["share"] >= LEAST_SHARE) | ~np.isfinite(results["flux"])
    table["xErr"] = np.where(fixed, np.nan, np.sqrt(results["xx"]))
    table["yErr"] = np.where(fixed, np.nan, np.sqrt(results["yy"]))
    table["x_y_Cov"] = np.where(fixed, np.nan, results["xy"])
    table["centroid_flag"] = (fixed & ~table["sky_source"]) | ~np.isfinite(results["xx"])
    table["psfFlux_instFlux"] = results["flux"]
    table["psfFlux_instFluxErr"] = results["fluxErr"]
    table["psfFlux_flag"], table["psfFlux_area"] = bad, results["area"]
    table["psfFlux_chi2"] = results["chi2"]
    table["gaussianFlux_instFlux"] = results["gaussian"]
    table["gaussianFlux_instFluxErr"] = results["gaussianErr"]
    table["gaussianFlux_flag"] = ~shaped
    for name in ("ixx", "ixy", "iyy"):
        table[name] = results[name]
    table["shape_flag"] = ~shaped
    model = psf.moments(table["x"], table["y"])
    for k, name in enumerate(("ixxPSF", "ixyPSF", "iyyPSF")):
        table[name] = model[:, k]
    table["invalidPsfFlag"] = ~np.isfinite(model).all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        table["blendedness_abs"] = np.clip(1.0 - results["own"] / results["all"], 0.0, 1.0)


def _aperture_columns(
    table: Table,
    plane: Plane,
    scene: Scene,
    psf: PsfModel,
    rows: NDArray[np.intp],
    whole: NDArray[np.bool_],
) -> None:
    x, y = np.array(table["x"]), np.array(table["y"])
    sums = circle_sums(scene.image, x, y, RADII)
    at = scene.column + scene.x, scene.row + scene.y
    single = np.flatnonzero(~whole)
    sums[single] -= neighbours(psf, *at, scene.flux, rows[single], RADII)
    errors = np.sqrt(np.maximum(circle_sums(plane.variance, x, y, RADII), 0.0))
    flag = truncated(plane.shape, x, y, RADII)
    if not plane.usable.all():
        flag |= circle_sums((~plane.usable).astype(np.float32), x, y, RADII) > 1e-3
    for k, radius in enumerate(RADII):
        name = f"ap{int(radius):02d}Flux"
        table[f"{name}_instFlux"] = np.where(flag[:, k], np.nan, sums[:, k])
        table[f"{name}_instFluxErr"] = np.where(flag[:, k], np.nan, errors[:, k])
        table[f"{name}_flag"] = flag[:, k]
    width = np.sqrt(0.5 * float(np.median(table["ixxPSF"] + table["iyyPSF"])))
    level, spread = np.empty(len(x)), np.empty(len(x))
    bounds = ANNULUS[0] * width, ANNULUS[1] * width
    annulus_levels(scene.residual, plane.good, x, y, *bounds, level, spread)
    table["sky"], table["skyErr"] = level, spread
    table["sky_flag"] = ~np.isfinite(level)


def _mask_columns(
    table: Table,
    plane: Plane,
    found: Detections,
    blends: NDArray[np.intp],
    sky: NDArray[np.bool_],
) -> None:
    x, y = np.array(table["x"]), np.array(table["y"])
    own, area = footprint_bits(plane.mask, found.basin, len(found))
    blend = np.zeros(int(found.parent.max(initial=0)) + 1, dtype=np.int32)
    np.bitwise_or.at(blend, found.parent, own)
    blend_area = np.bincount(found.parent, weights=area, minlength=1)
    empty = any_bits(plane.mask, x[sky], y[sky], SKY_REACH)
    footprint = np.concatenate([own, empty, blend[blends]])
    for name, column in flag_columns(footprint, any_bits(plane.mask, x, y, 1)).items():
        table[name] = column
    none = np.zeros(int(sky.sum()), dtype=np.int32)
    areas = np.concatenate([area, none, blend_area[blends].astype(np.int32)])
    table["footprintArea_value"] = areas
