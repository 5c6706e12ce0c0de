"""Columns of the sources of a difference image, in pixels and electrons."""

from __future__ import annotations

import numpy as np
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.dia.detect import FWHM, Peaks
from skyassay.pipeline.dia.features import PIXEL_FEATURES, count_good, pixel_features
from skyassay.pipeline.dia.fit import Floats, Points, stamp_columns
from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.classify import size_extendedness
from skyassay.pipeline.measurement.flags import any_bits, flag_columns, footprint_bits
from skyassay.pipeline.measurement.prepare import Plane
from skyassay.pipeline.psf.model import PER_STEP, PsfModel

#: A flux with less of the PSF's weight on good pixels is flagged.
LEAST_SHARE = 0.5


def unbiased(flux: Floats, error: Floats) -> Floats:
    """Return fluxes at fitted positions without what the fit of the position adds.

    At the position of the highest flux the flux is too high by error**2 / flux on average, for
    two fitted coordinates (Portillo, Speagle & Finkbeiner 2020). The relation is inverted;
    below a signal-to-noise of two it has no meaning, and half the flux is left.
    """
    root = np.sqrt(np.maximum(flux * flux - 4.0 * error * error, 0.0))
    made: Floats = 0.5 * (flux + root)
    return made


def point_columns(
    plane: Plane, residual: Floats, points: Points, peaks: Peaks, psf: PsfModel, sigma: float
) -> Table:
    """Return what is measured of the sources of one sign."""
    found, shaped = stamp_columns(plane, residual, points, psf)
    x, y = points.column + points.x, points.row + points.y
    error, fixed = found["fluxErr"], ~points.moved
    table = Table({"x": x, "y": y})
    for name, column in (("xErr", np.sqrt(found["xx"])), ("yErr", np.sqrt(found["yy"]))):
        table[name] = np.where(fixed, np.nan, column)
    table["x_y_Cov"] = np.where(fixed, np.nan, found["xy"])
    table["centroid_flag"] = fixed | ~np.isfinite(found["xx"])
    table["snr"] = peaks.found.snr
    table["isNegative"] = np.full(len(x), points.sign < 0)
    flux = np.where(fixed, found["flux"], unbiased(found["flux"], error))
    table["psfFlux_instFlux"] = points.sign * flux
    table["psfFlux_instFluxErr"] = error
    table["share"] = found["share"]
    bad = ~(found["share"] >= LEAST_SHARE) | ~np.isfinite(found["flux"])
    table["psfFlux_flag"] = bad
    table["psfFlux_flag_noGoodPixels"] = ~np.isfinite(found["flux"])
    count = np.zeros(len(x), dtype=np.int32)
    count_good(plane.good, points.column, points.row, psf.half, count)
    table["psfNdata"] = count
    table["psfChi2"] = found["chi2"] * count
    for name in ("ixx", "ixy", "iyy"):
        table[name] = found[name]
    table["shape_flag"] = ~shaped
    table["shape_flag_no_pixels"] = ~np.isfinite(found["flux"])
    model = psf.moments(x, y).reshape(-1, 3)
    for k, name in enumerate(("ixxPSF", "ixyPSF", "iyyPSF")):
        table[name] = model[:, k]
    table["extendedness"] = size_extendedness(
        found["ixx"] + found["iyy"], model[:, 0] + model[:, 2], found["flux"] / error
    )
    _footprint_columns(table, plane, peaks, sigma)
    return table


def beyond(table: Table, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which sources have their middle beyond the pixels of an image of this shape."""
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    ny, nx = shape
    off: NDArray[np.bool_] = (x < -0.5) | (y < -0.5) | (x > nx - 0.5) | (y > ny - 0.5)
    return off


def _footprint_columns(table: Table, plane: Plane, peaks: Peaks, sigma: float) -> None:
    """Add flags of footprint and centre, and the side of the footprint's box.

    The pixels above the threshold are few for a faint source: a box of the FWHM around the
    position counts too.
    """
    x, y = np.asarray(table["x"]), np.asarray(table["y"])
    reach = int(np.rint(FWHM * sigma))
    own, area = footprint_bits(plane.mask, peaks.found.basin, len(peaks))
    own |= any_bits(plane.mask, x, y, reach)
    for name, column in flag_columns(own, any_bits(plane.mask, x, y, 1)).items():
        table[name] = column
    sides = np.diff(peaks.boxes.reshape(-1, 2, 2), axis=2).reshape(-1, 2).max(axis=1, initial=0)
    table["bboxSize"] = np.maximum(sides + 1 + 2 * reach, 2 * reach + 1)
    table["footprintArea"] = area


def add_features(
    table: Table,
    plane: Plane,
    residual: Floats,
    points: Points,
    psf: PsfModel,
    sigma: float,
    science: Exposure,
    template: Exposure,
) -> None:
    """Add a column ``feature_<name>`` per entry of `PIXEL_FEATURES`."""
    full = ((science.mask | template.mask) & bit("SAT")) != 0
    out = np.empty((len(points.x), len(PIXEL_FEATURES)))
    spread = np.nan_to_num(np.asarray(template.variance, dtype=np.float32))
    pixel_features(
        residual, plane.variance, plane.good,
        np.ascontiguousarray(template.image, dtype=np.float32), spread, full, points.sign,
        points.column, points.row, points.x, points.y, points.flux, points.shapes, psf.table,
        PER_STEP, psf.bump, psf.half, FWHM * sigma, out,
    )  # fmt: skip
    for k, name in enumerate(PIXEL_FEATURES):
        table[f"feature_{name}"] = out[:, k]
