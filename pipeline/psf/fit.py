"""Fit of the PSF model to the stars of one detector."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.measurement.moments import adaptive_moments
from skyassay.pipeline.measurement.options import Options
from skyassay.pipeline.psf.bump import leftover
from skyassay.pipeline.psf.model import PER_STEP, PsfModel, terms
from skyassay.pipeline.psf.profile import WIDTHS, fit_shares
from skyassay.pipeline.psf.sweep import sweep

#: Rounds of profile, positions and sizes, and the first of them with a correction; positions
#: move with it, so it takes two.
ROUNDS, CORRECTED = 4, 2
#: Relative scatter of the size that no model here follows, added to the noise of a star.
FLOOR = 0.003


@dataclass(frozen=True, eq=False)
class Stars:
    """Stars of the fit and the image around them.

    Attributes
    ----------
    image : ndarray of float32, shape (ny, nx)
        Electrons without the sky.
    usable : ndarray of bool, shape (ny, nx)
        Pixels of the image that are good and belong to no other source.
    column, row : ndarray of int, shape (n,)
        Peak pixels.
    moments : ndarray, shape (n, 6)
        x, y, ixx, ixy, iyy, flux of each star.
    noise : ndarray, shape (n,)
        Standard deviation of the sky, electrons.
    snr : ndarray, shape (n,)
    """

    image: NDArray[np.float32]
    usable: NDArray[np.bool_]
    column: NDArray[np.int64]
    row: NDArray[np.int64]
    moments: NDArray[np.float64]
    noise: NDArray[np.float64]
    snr: NDArray[np.float64]

    def part(self, rows: NDArray[np.bool_]) -> Stars:
        """Return some of the stars."""
        return Stars(
            self.image,
            self.usable,
            self.column[rows],
            self.row[rows],
            self.moments[rows],
            self.noise[rows],
            self.snr[rows],
        )

    def stamps(self, half: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return stamps and their usable pixels, shape (n, 2 half + 1, 2 half + 1)."""
        ny, nx = self.image.shape
        offset = np.arange(-half, half + 1)
        rows, columns = self.row[:, None] + offset, self.column[:, None] + offset
        inside = ((rows >= 0) & (rows < ny))[:, :, None] & ((columns >= 0) & (columns < nx))[
            :, None
        ]
        at = np.clip(rows, 0, ny - 1)[:, :, None], np.clip(columns, 0, nx - 1)[:, None]
        return self.image[at].astype(np.float64), self.usable[at] & inside


@dataclass(frozen=True, eq=False)
class Placed:
    """Flux and position of the stars under a model; positions from the central pixel."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    flux: NDArray[np.float64]


def stamp_half(trace: float) -> int:
    """Return the half side of PSF stamps (pixel) for a size ixx + iyy (pixel**2).

    Five FWHM across on each side would hold all of a Gaussian; the wings of the SRD's profile
    end within 8 widths of the core.
    """
    return int(np.clip(np.ceil(8.0 * np.sqrt(trace / 2.0)), 10, 24))


def degree(n_stars: int, options: Options) -> int:
    """Return the degree of the spatial polynomials that so many stars support."""
    if n_stars > options.quadratic_stars:
        return 2
    return 1 if n_stars >= options.linear_stars else 0


def fit_psf(stars: Stars, options: Options) -> PsfModel:
    """Return the PSF model of the stars.

    The shape follows the adaptive moments of the stars over the detector; the radial profile
    in units of this shape is a sum of Gaussians fitted to all their pixels; what is left over
    at significance is kept as a correction on the pixel grid.

    Raises
    ------
    MeasurementError
        `psf_fit_failed` when no positive profile fits.
    """
    shape = (stars.image.shape[0], stars.image.shape[1])
    measured = stars.moments[:, 2:5]
    trace = measured[:, 0] + measured[:, 2]
    basis = terms(stars.moments[:, 0], stars.moments[:, 1], shape, degree(len(trace), options))
    weight = 1.0 / np.hypot(2.0 / stars.snr, FLOOR) / np.median(trace)
    coefficients = _polynomials(basis, measured, weight)
    half = stamp_half(float(np.median(trace)))
    shares = np.where(WIDTHS == 1.0, 1.0, 0.0)
    model = PsfModel(coefficients, WIDTHS, shares, np.zeros((1, 1)), half, shape)
    stamps, usable = stars.stamps(half)
    for turn in range(ROUNDS):
        placed = place(stars, model, usable, stamps)
        shares = fit_shares(
            stamps, usable, model.shapes(*stars.moments[:, :2].T), placed, stars.noise
        )
        model = replace(model, shares=shares, bump=np.zeros((1, 1)))
        if turn >= CORRECTED:
            model = replace(model, bump=leftover(stamps, usable, model, stars, placed))
        model = _matched(model, stars, placed, basis, weight)
    if not np.isfinite(model.image(shape[1] / 2, shape[0] / 2)).all():
        raise MeasurementError(
            "The PSF model is not finite.",
            code="psf_fit_failed",
            hint="Look at the PSF stars: too few, too faint or not stars.",
        )
    return model


def place(
    stars: Stars, model: PsfModel, usable: NDArray[np.bool_], stamps: NDArray[np.float64]
) -> Placed:
    """Return flux and position of every star under the model, each on its own stamp."""
    n, side = len(stars.column), 2 * model.half + 1
    x, y = stars.moments[:, 0] - stars.column, stars.moments[:, 1] - stars.row
    flux = stars.moments[:, 5].copy()
    shapes = model.shapes(stars.moments[:, 0], stars.moments[:, 1])
    centre = np.array([model.half], dtype=np.int64)
    for k in range(n):
        one = slice(k, k + 1)
        drawn = model.draw(shapes[k], x[k], y[k])
        residual = (stamps[k] - flux[k] * drawn).reshape(side, side)
        sweep(
            residual, usable[k], stars.noise[one], centre, centre, x[one], y[one], flux[one],
            shapes[one], np.ones(1, dtype=np.bool_), model.table, PER_STEP, model.bump,
            model.half, 4, 3.0,
        )  # fmt: skip
    return Placed(x, y, flux)


def _polynomials(
    basis: NDArray[np.float64], values: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return coefficients of a weighted fit with Huber weights, shape (n_terms, n_columns)."""
    made = np.empty((basis.shape[1], values.shape[1]))
    for c in range(values.shape[1]):
        w = weight.copy()
        for _ in range(8):
            made[:, c] = np.linalg.lstsq(basis * w[:, None], values[:, c] * w, rcond=None)[0]
            off = np.abs(values[:, c] - basis @ made[:, c]) * weight
            w = weight * np.sqrt(np.minimum(1.0, 2.0 / np.maximum(off, 1e-12)))
    return made


def _matched(
    model: PsfModel,
    stars: Stars,
    placed: Placed,
    basis: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> PsfModel:
    """Return the model with the shape at which it draws the moments that the stars have."""
    shapes = model.shapes(stars.moments[:, 0], stars.moments[:, 1])
    drawn, out = np.empty_like(shapes), np.empty(6)
    good = np.ones((2 * model.half + 1,) * 2, dtype=np.bool_)
    for k in range(len(shapes)):
        stamp = model.draw(shapes[k], placed.x[k], placed.y[k])
        at = model.half + placed.x[k], model.half + placed.y[k]
        there = adaptive_moments(stamp, good, *at, float(shapes[k, ::2].mean()), 2.0, out)
        drawn[k] = out[2:5] if there else np.nan
    kept = np.isfinite(drawn).all(axis=1)
    if not kept.any():
        raise MeasurementError(
            "The PSF model has no moments.",
            code="psf_fit_failed",
            hint="Look at the PSF stars: too few, too faint or not stars.",
        )
    wanted = shapes[kept] + (stars.moments[kept, 2:5] - drawn[kept])
    return replace(model, coefficients=_polynomials(basis[kept], wanted, weight[kept]))
