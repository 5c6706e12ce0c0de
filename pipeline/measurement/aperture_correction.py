"""Aperture corrections: from the flux of a model to the flux in the 12-pixel aperture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.psf.model import terms

#: Standard deviations at which a star is left out, and by which a slope must be proven.
CLIP, PROVEN = 3.5, 3.0
#: Relative scatter of a star's ratio that is not noise.
FLOOR = 0.001
#: Stars from which a slope is tried.
LINEAR = 10


@dataclass(frozen=True, eq=False)
class ApertureCorrection:
    """Factor from the flux of each algorithm to the 12-pixel aperture, over the detector.

    Attributes
    ----------
    coefficients : mapping of str to ndarray, shape (n_terms,)
        Per algorithm (`psfFlux`, `gaussianFlux`); see `psf.model.terms`.
    errors : mapping of str to float
        Of the mean factor.
    shape : tuple of int
        Rows and columns of the detector.
    """

    coefficients: Mapping[str, NDArray[np.float64]]
    errors: Mapping[str, float]
    shape: tuple[int, int]

    def at(self, name: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the factor of one algorithm at positions (pixel)."""
        values = self.coefficients[name]
        made: NDArray[np.float64] = terms(x, y, self.shape, {1: 0, 3: 1}[len(values)]) @ values
        return made

    def to_arrays(self) -> dict[str, NDArray[np.float64]]:
        """Return everything as arrays, for a file."""
        made = {f"{name}_coefficients": v for name, v in self.coefficients.items()}
        made |= {f"{name}_error": np.array([v]) for name, v in self.errors.items()}
        return made | {"geometry": np.array(self.shape, dtype=np.float64)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.float64]]) -> ApertureCorrection:
        """Return the corrections that `to_arrays` wrote."""
        tail = "_coefficients"
        names = [k.removesuffix(tail) for k in arrays if k.endswith(tail)]
        rows, columns = (int(v) for v in arrays["geometry"])
        coefficients = {n: np.atleast_1d(np.array(arrays[n + tail], dtype=float)) for n in names}
        errors = {n: float(np.ravel(arrays[f"{n}_error"])[0]) for n in names}
        return cls(coefficients, errors, (rows, columns))


def fit_correction(
    name: str,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    ratio: NDArray[np.float64],
    error: NDArray[np.float64],
    shape: tuple[int, int],
) -> tuple[NDArray[np.float64], float]:
    """Return the coefficients of the correction and the error of its mean.

    Parameters
    ----------
    name : str
        Algorithm, for the error message.
    x, y : ndarray, shape (n,)
        Pixel.
    ratio, error : ndarray, shape (n,)
        Aperture flux over model flux of PSF stars, and its error.
    shape : tuple of int

    Raises
    ------
    MeasurementError
        `no_aperture_correction` without a star that has both fluxes.

    Notes
    -----
    A constant unless a slope over the detector is proven at three standard deviations: a
    slope fitted to noise would spread it over the stars as a gradient of the zero point.
    """
    there = np.isfinite(ratio) & np.isfinite(error) & (error > 0.0)
    if not there.any():
        raise MeasurementError(
            f"No PSF star has both an aperture flux and {name}.",
            code="no_aperture_correction",
            hint="All PSF stars lie within 12 pixels of the edge or on unusable pixels.",
        )
    x, y, ratio = x[there], y[there], ratio[there]
    sigma = np.hypot(error[there], FLOOR)
    constant, covariance, chi2 = _fit(terms(x, y, shape, 0), ratio, sigma)
    spread = float(np.sqrt(covariance[0, 0]))
    if len(ratio) >= LINEAR:
        slope, _, better = _fit(terms(x, y, shape, 1), ratio, sigma)
        if chi2 - better > PROVEN**2 + 2.0:
            return slope, spread
    return constant, spread


def _fit(
    basis: NDArray[np.float64], ratio: NDArray[np.float64], sigma: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return solution, covariance and bounded chi-square, outliers bounded at `CLIP`."""
    solution: NDArray[np.float64] = np.zeros(basis.shape[1])
    solution[0] = np.median(ratio)
    for _ in range(20):
        off = np.abs(ratio - basis @ solution) / sigma
        weight = np.minimum(1.0, CLIP / np.maximum(off, 1e-12)) / sigma**2
        normal = basis.T @ (basis * weight[:, None])
        new = np.asarray(np.linalg.solve(normal, basis.T @ (weight * ratio)), dtype=np.float64)
        done = np.abs(new - solution).max() < 1e-9
        solution = new
        if done:
            break
    off = np.abs(ratio - basis @ solution) / sigma
    chi2 = float((np.minimum(off, CLIP) ** 2).sum())
    return solution, np.asarray(np.linalg.inv(normal), dtype=np.float64), chi2
