"""PSF fluxes at given positions: nothing is detected, nothing is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.dia.forced_kernel import forced_stamps
from skyassay.pipeline.measurement.aperture_correction import ApertureCorrection
from skyassay.pipeline.measurement.prepare import UNFIT
from skyassay.pipeline.psf.model import PER_STEP

if TYPE_CHECKING:
    from skyassay.pipeline.images.exposure import Exposure
    from skyassay.pipeline.psf.model import PsfModel

#: Bits of the flags: no flux; the PSF reaches over the edge; much of the PSF is masked.
NO_GOOD_PIXELS, EDGE, PARTIAL = 1, 2, 4
#: Share of the PSF's weight on good pixels below which a flux is flagged.
LEAST_SHARE = 0.5
#: Share of it beyond the edge of the image from which on the edge is flagged.
BEYOND = 0.01


class Forced(NamedTuple):
    """Fluxes at positions; arrays of shape (n,).

    Attributes
    ----------
    flux, error : ndarray
        In the unit of the image; NaN where there is none.
    flags : ndarray of int32
        Sum of `NO_GOOD_PIXELS`, `EDGE` and `PARTIAL`; 0 where nothing is wrong.
    """

    flux: NDArray[np.float64]
    error: NDArray[np.float64]
    flags: NDArray[np.int32]


def usable_pixels(exposure: Exposure) -> NDArray[np.bool_]:
    """Return which pixels were measured and have a variance."""
    there = np.isfinite(exposure.image) & np.isfinite(exposure.variance)
    made: NDArray[np.bool_] = there & (exposure.variance > 0.0) & ((exposure.mask & UNFIT) == 0)
    return made


def forced_psf(
    exposure: Exposure,
    x: ArrayLike,
    y: ArrayLike,
    *,
    good: NDArray[np.bool_] | None = None,
) -> Forced:
    """Return the PSF flux at every position.

    Parameters
    ----------
    exposure : Exposure
        With its PSF, without its sky. Masked pixels count neither way.
    x, y : array_like, shape (n,)
        Pixel. A position that is not finite, or without a good pixel of the PSF, has no flux.
    good : ndarray of bool, shape (ny, nx), optional
        `usable_pixels(exposure)`, where the caller has it already.

    Returns
    -------
    Forced
        Corrected to the aperture that the zero point is of, where the exposure has such a
        correction.

    Raises
    ------
    ValueError
        Of an exposure without a PSF.

    Notes
    -----
    sum(P D) / sum(P**2), with the error sqrt(sum(P**2 V)) / sum(P**2) from the variance plane.
    Where the sky's noise dominates this is the optimal estimate. Weights 1/V are not used: V
    holds the counts of the pixel itself, and would pull a faint flux down.
    """
    if exposure.psf is None:
        raise ValueError("The exposure has no PSF.")
    at_x = np.atleast_1d(np.asarray(x, dtype=np.float64))
    at_y = np.atleast_1d(np.asarray(y, dtype=np.float64))
    usable = usable_pixels(exposure) if good is None else good
    out = stamps(exposure, exposure.psf, at_x, at_y, usable)
    factor = correction(exposure, at_x, at_y)
    flags = np.where(out[:, 2] > 0.0, 0, NO_GOOD_PIXELS)
    flags |= np.where(out[:, 3] > BEYOND, EDGE, 0)
    flags |= np.where((out[:, 2] > 0.0) & (out[:, 2] < LEAST_SHARE), PARTIAL, 0)
    return Forced(out[:, 0] * factor, out[:, 1] * factor, flags.astype(np.int32))


def stamps(
    exposure: Exposure,
    psf: PsfModel,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    good: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return flux, error, share of the weight on good pixels, and beyond the edge."""
    made = np.full((len(x), 4), np.nan)
    made[:, 2:] = 0.0, 1.0
    reach = psf.half + 1
    rows, columns = exposure.shape
    with np.errstate(invalid="ignore"):
        near = (x > -reach) & (y > -reach) & (x < columns + reach) & (y < rows + reach)
    at = np.flatnonzero(near)
    out = np.empty((len(at), 4))
    forced_stamps(
        _native(exposure.image), _native(exposure.variance), good, x[at], y[at],
        psf.shapes(x[at], y[at]), psf.table, PER_STEP, psf.bump, psf.half, out,
    )  # fmt: skip
    made[at] = out
    return made


def correction(
    exposure: Exposure, x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the factor from PSF fluxes to the calibration aperture; 1 without a model."""
    model = exposure.models.get("APCORR")
    if model is None:
        return np.ones(len(x))
    return ApertureCorrection.from_arrays(model).at("psfFlux", x, y)


def _native(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane as compiled loops ask for it, without a copy where it is so."""
    return np.ascontiguousarray(plane, dtype=np.float32)
