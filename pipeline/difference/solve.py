"""The matching kernel by least squares over the stars' pixels (Alard 2000)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from skyassay.pipeline.difference.basis import Basis
from skyassay.pipeline.difference.errors import DifferenceError
from skyassay.pipeline.difference.kernel import Kernel
from skyassay.pipeline.difference.options import Options
from skyassay.pipeline.difference.stars import Stamps
from skyassay.pipeline.psf.model import terms

Floats = NDArray[np.float64]
#: Added to the diagonal of the normal equations, scaled to one: below any information.
RIDGE = 1e-9
#: A star whose reduced chi square is below this is never left out.
SOUND = 2.0


@dataclass(frozen=True, eq=False)
class Fit:
    """A kernel and the stars that made it.

    Attributes
    ----------
    kernel : Kernel
    used : ndarray of bool, shape (n,)
    chi2 : ndarray, shape (n,)
        Reduced chi square of each star's pixels.
    relative_error : float
        What the kernel leaves of a star beyond the noise, as a share of its light.
    """

    kernel: Kernel
    used: NDArray[np.bool_]
    chi2: Floats
    relative_error: float


@dataclass(frozen=True, eq=False)
class _Equations:
    """Parts of the normal equations of every star."""

    design: Floats  # (n_stars, n_basis, n_pixels)
    target: Floats  # (n_stars, n_pixels)
    weight: Floats  # (n_stars, n_pixels)
    noise: Floats  # variance without the error of the model, (n_stars, n_pixels)
    behind: Floats  # background terms, (n_stars, n_background, n_pixels)
    matrix: Floats  # (n_stars, n_basis + n_background, the same)
    vector: Floats  # (n_stars, n_basis + n_background)


def fit_kernel(
    stamps: Stamps,
    shape: tuple[int, int],
    options: Options,
    convolved: Literal["template", "science"],
) -> Fit:
    """Return the kernel that makes the convolved stamps like the target ones.

    Parameters
    ----------
    stamps : Stamps
    shape : tuple of int
        Rows and columns of the detector.
    options : Options
    convolved : str
        Which image the kernel is applied to.

    Raises
    ------
    DifferenceError
        ``too_few_kernel_stars`` when the clipping leaves too few, ``kernel_failed`` when the
        equations have no solution or the flux scale is not positive.
    """
    basis = Basis(options.widths, options.degrees, options.half)
    parts = _equations(basis, stamps, shape, options)
    used = np.ones(len(stamps.x), dtype=np.bool_)
    x, y = stamps.x.astype(np.float64), stamps.y.astype(np.float64)
    for turn in range(options.rounds):
        order = _order(int(used.sum()), options)
        places = terms(x, y, shape, order)
        coefficients, background = _solve(parts, places, used, len(basis))
        chi2 = _chi2(parts, places @ coefficients, background)
        kept = used & (chi2 < _limit(chi2[used], options))
        if kept.sum() < options.least_stars:
            raise DifferenceError(
                f"Only {int(kept.sum())} stars subtract with one kernel.",
                code="too_few_kernel_stars",
                hint="See whether the WCS and the template fit the science image.",
            )
        if turn == options.rounds - 1 or (kept == used).all():
            break
        used = kept
    kernel = Kernel(basis, coefficients, background, shape, convolved)
    if not (kernel.sum_at(x, y) > 0.0).all():
        raise DifferenceError(
            "The matching kernel has no positive flux scale.",
            code="kernel_failed",
            hint="See whether the template shows the same sky as the science image.",
        )
    error = _relative_error(parts, places @ coefficients, background, used)
    return Fit(kernel, used, chi2, error)


def _order(n_stars: int, options: Options) -> int:
    """Return the order of the spatial polynomials that so many stars support."""
    order = options.order
    while order and n_stars < options.stars_per_term * (order + 1) * (order + 2) / 2:
        order -= 1
    return order


def _limit(chi2: Floats, options: Options) -> float:
    middle = float(np.median(chi2))
    spread = 1.4826 * float(np.median(np.abs(chi2 - middle)))
    return max(SOUND, middle + options.clip * spread)


def _equations(
    basis: Basis,
    stamps: Stamps,
    shape: tuple[int, int],
    options: Options,
) -> _Equations:
    n, side = len(stamps.x), stamps.target.shape[1]
    design = basis.convolved(stamps.convolved).reshape(len(basis), n, -1).transpose(1, 0, 2)
    # Expected, not observed, light: weights that follow the noise would pull the flux down.
    light = np.maximum(design[:, 0], 0.0)
    noise = stamps.sky[:, None] + light
    weight = stamps.usable.reshape(n, -1) / (noise + (options.model_error * light) ** 2)
    offset = np.arange(side) - side // 2
    at_x = np.broadcast_to((stamps.x[:, None] + offset)[:, None, :], (n, side, side))
    at_y = np.broadcast_to((stamps.y[:, None] + offset)[:, :, None], (n, side, side))
    behind = terms(
        at_x.ravel().astype(float), at_y.ravel().astype(float), shape, options.background_order
    ).reshape(n, side * side, -1).transpose(0, 2, 1)  # fmt: skip
    target = stamps.target.reshape(n, -1)
    every = np.concatenate([design, behind], axis=1)
    weighted = every * weight[:, None]
    matrix = np.matmul(weighted, every.transpose(0, 2, 1))
    vector = np.matmul(weighted, target[:, :, None])[:, :, 0]
    return _Equations(design, target, weight, noise, behind, matrix, vector)


def _solve(
    parts: _Equations, places: Floats, used: NDArray[np.bool_], n_basis: int
) -> tuple[Floats, Floats]:
    """Return coefficients (n_terms, n_basis) and background."""
    p, matrix, vector = places[used], parts.matrix[used], parts.vector[used]
    n_terms, n_behind = p.shape[1], matrix.shape[1] - n_basis
    square = (p[:, :, None] * p[:, None, :]).reshape(len(p), -1)
    kernels = square.T @ matrix[:, :n_basis, :n_basis].reshape(len(p), -1)
    size = n_terms * n_basis
    whole = np.empty((size + n_behind,) * 2)
    whole[:size, :size] = (
        kernels.reshape(n_terms, n_terms, n_basis, n_basis)
        .transpose(0, 2, 1, 3)
        .reshape(size, size)
    )
    cross = p.T @ matrix[:, :n_basis, n_basis:].reshape(len(p), -1)
    whole[:size, size:] = cross.reshape(size, n_behind)
    whole[size:, :size] = whole[:size, size:].T
    whole[size:, size:] = matrix[:, n_basis:, n_basis:].sum(axis=0)
    right = np.concatenate([(p.T @ vector[:, :n_basis]).ravel(), vector[:, n_basis:].sum(axis=0)])
    scale = 1.0 / np.sqrt(np.maximum(np.diag(whole), 1e-300))
    try:
        scaled = whole * scale * scale[:, None] + RIDGE * np.eye(len(whole))
        solution = cho_solve(cho_factor(scaled), right * scale) * scale
    except (LinAlgError, ValueError) as error:
        raise DifferenceError(
            "The equations of the matching kernel have no solution.",
            code="kernel_failed",
            hint="Use fewer basis functions, or look at the pixels of the stars.",
        ) from error
    return solution[:size].reshape(n_terms, n_basis), solution[size:]


def _residual(parts: _Equations, local: Floats, background: Floats) -> Floats:
    """Return target minus model, (n_stars, n_pixels); `local` has shape (n_stars, n_basis)."""
    model = np.matmul(local[:, None, :], parts.design)[:, 0] + np.matmul(background, parts.behind)
    return np.asarray(parts.target - model)


def _chi2(parts: _Equations, local: Floats, background: Floats) -> Floats:
    """Return the reduced chi square of every star."""
    squares = (_residual(parts, local, background) ** 2 * parts.weight).sum(axis=1)
    return np.asarray(squares / np.maximum((parts.weight > 0.0).sum(axis=1), 1))


def _relative_error(
    parts: _Equations, local: Floats, background: Floats, used: NDArray[np.bool_]
) -> float:
    """Return the error of the model as a share of the light: what squares lack in noise."""
    light = np.maximum(parts.design[used, 0], 0.0)
    weight = (light * parts.weight[used]) ** 2
    excess = _residual(parts, local, background)[used] ** 2 - parts.noise[used]
    norm = float((weight * light**2).sum())
    return float(np.sqrt(max(0.0, (weight * excess).sum() / norm))) if norm > 0.0 else 0.0
