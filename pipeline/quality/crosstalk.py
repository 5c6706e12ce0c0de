"""What crosstalk correction left: fluxes where bright stars of other amplifiers would echo.

Amplifiers of a detector are read at once, so that a bright star in one of them echoes in the
others at the place that is read at the same moment. After a perfect correction nothing is
there but noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Amplifier
from skyassay.pipeline.quality.errors import QualityError
from skyassay.pipeline.quality.stamps import Fit, Pixels, Psf, aperture_sums, fit_flux

Floats = NDArray[np.float64]
COLUMNS = (
    "aggressor",
    "sourceAmp",
    "targetAmp",
    "x",
    "y",
    "aggressorX",
    "aggressorY",
    "aggressorFlux",
    "psfFlux",
    "psfFluxErr",
    "snr",
)


@dataclass(frozen=True)
class Choice:
    """Which stars are aggressors, and which places tell of them.

    Attributes
    ----------
    brightest : int
        At most so many aggressors per detector.
    min_significance : float
        Flux of an aggressor over the error of a faint star's: an echo of a coupling of 1e-3
        has a thousandth of it.
    radius : float
        Aperture of an aggressor's flux, pixels.
    exclusion : float
        A source nearer than this to a place, in PSF widths (FWHM), disturbs it; for brighter
        ones 1.5 log10(significance) widths.
    coincidence : float
        A source this near, in pixels, is where an echo would be: it is measured, not left out.
    max_coupling : float
        Unless it is more than this share of the aggressor: no camera couples so strongly.
    min_covered : float
        Smallest share of the PSF's light on usable pixels.
    """

    brightest: int = 30
    min_significance: float = 2000.0
    radius: float = 12.0
    exclusion: float = 2.5
    coincidence: float = 1.0
    max_coupling: float = 5e-3
    min_covered: float = 0.8


def mirrored(x: float, y: float, source: Amplifier, target: Amplifier) -> tuple[float, float]:
    """Return the place of `target` that is read together with a place of `source`.

    Parameters
    ----------
    x, y : float
        In the assembled detector, pixels; in the box of `source`.

    Raises
    ------
    QualityError
        ``unequal_amplifiers`` where the two have not the same size.
    """
    if (source.width, source.height) != (target.width, target.height):
        raise QualityError(
            f"Amplifiers {source.name} and {target.name} have different sizes.",
            code="unequal_amplifiers",
            hint="Their pixels are not read together, so no place mirrors another.",
        )
    column = x - source.x0
    row = y - source.y0
    if source.flip_x != target.flip_x:
        column = source.width - 1.0 - column
    if source.flip_y != target.flip_y:
        row = source.height - 1.0 - row
    return target.x0 + column, target.y0 + row


def amplifier_of(x: float, y: float, amplifiers: Sequence[Amplifier]) -> Amplifier | None:
    """Return the amplifier whose box holds a place, or None."""
    for one in amplifiers:
        inside_x = one.x0 - 0.5 <= x < one.x0 + one.width - 0.5
        if inside_x and one.y0 - 0.5 <= y < one.y0 + one.height - 0.5:
            return one
    return None


def residuals(
    pixels: Pixels,
    psf: Psf,
    amplifiers: Sequence[Amplifier],
    x: NDArray[Any],
    y: NDArray[Any],
    choice: Choice | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the PSF-weighted flux at every place that mirrors a bright star.

    Parameters
    ----------
    pixels : Pixels
        The processed image; saturated, bad and empty pixels not usable.
    psf : callable
        See `skyassay.pipeline.quality.stamps.Psf`.
    amplifiers : sequence of Amplifier
    x, y : ndarray, shape (n,)
        Every source of the image, pixels: the aggressors, and what disturbs a place.
    choice : Choice, optional

    Returns
    -------
    dict of ndarray, shape (m,)
        `COLUMNS`; ``aggressor`` counts the bright stars, the brightest first; ``sourceAmp`` and
        ``targetAmp`` are amplifier indices (int32), fluxes are in the image's unit, ``snr =
        psfFlux / psfFluxErr``. The aggressor's flux is the plain sum within `Choice.radius`: of
        a saturated star a lower limit.
    """
    choice = choice or Choice()
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    rows: list[tuple[float, ...]] = []
    if len(x):
        middle = pixels.image.shape[1] / 2.0, pixels.image.shape[0] / 2.0
        noise, width = _faint_error(pixels, psf, *middle), fwhm(psf(*middle))
        flux, _ = aperture_sums(pixels.image, x, y, choice.radius)
        disturbs = _reach(flux / noise, width, choice)
        order = np.argsort(-np.where(np.isfinite(flux), flux, -np.inf), kind="stable")
        bright = [i for i in order if flux[i] >= choice.min_significance * noise]
        for number, i in enumerate(bright[: choice.brightest]):
            star = (float(x[i]), float(y[i]), float(flux[i]))
            found = _echoes(pixels, psf, amplifiers, (x, y, flux, disturbs), star, choice)
            rows += [(number, *row) for row in found]
    return _table(rows)


def _echoes(
    pixels: Pixels,
    psf: Psf,
    amplifiers: Sequence[Amplifier],
    sources: tuple[Floats, Floats, Floats, Floats],
    star: tuple[float, float, float],
    choice: Choice,
) -> list[tuple[float, ...]]:
    """Return one row per amplifier in which the mirrored place of a star tells something."""
    home = amplifier_of(star[0], star[1], amplifiers)
    if home is None:
        return []
    rows: list[tuple[float, ...]] = []
    for target in amplifiers:
        if target.index == home.index:
            continue
        at = mirrored(star[0], star[1], home, target)
        if _disturbed(*at, sources, star[2], choice):
            continue
        found: Fit = fit_flux(pixels, psf, *at)
        if found.covered >= choice.min_covered and np.isfinite(found.flux) and found.error > 0.0:
            snr = found.flux / found.error
            rows.append((home.index, target.index, *at, *star, found.flux, found.error, snr))
    return rows


def _disturbed(
    x: float,
    y: float,
    sources: tuple[Floats, Floats, Floats, Floats],
    aggressor: float,
    choice: Choice,
) -> bool:
    """Return whether a source that is no echo is too near a place."""
    sx, sy, flux, reach = sources
    distance = np.hypot(sx - x, sy - y)
    here = distance <= choice.coincidence
    echo = here & (flux <= choice.max_coupling * aggressor)
    with np.errstate(invalid="ignore"):
        return bool(((distance < reach) & ~echo).any())


def _reach(significance: Floats, width: float, choice: Choice) -> Floats:
    """Return how far sources disturb, pixels: bright ones farther."""
    bright = np.where(np.isfinite(significance), np.maximum(significance, 1.0), 1.0)
    return np.asarray(width * np.maximum(choice.exclusion, 1.5 * np.log10(bright)))


def _faint_error(pixels: Pixels, psf: Psf, x: float, y: float) -> float:
    """Return the error of the flux of a faint star, from the typical variance.

    Raises
    ------
    QualityError
        ``no_variance`` where no usable pixel has one.
    """
    known = pixels.usable & np.isfinite(pixels.variance)
    values = pixels.variance[known]
    typical = float(np.median(values)) if values.size else 0.0
    if not typical > 0.0:
        raise QualityError(
            "The image has no variance above zero in a usable pixel.",
            code="no_variance",
            hint="Nothing can be said of the significance of a residual without it.",
        )
    stamp = np.asarray(psf(x, y), dtype=np.float64)
    return float(np.sqrt(typical / np.square(stamp).sum()))


def fwhm(stamp: NDArray[Any]) -> float:
    """Return the full width at half maximum of the Gaussian with a stamp's noise area, pixels.

    ``1 / sum(psf^2)`` is 4 pi sigma^2 for a Gaussian; FWHM is 2.3548 sigma.
    """
    area = 1.0 / float(np.square(np.asarray(stamp, dtype=np.float64)).sum())
    return float(2.0 * np.sqrt(2.0 * np.log(2.0)) * np.sqrt(area / (4.0 * np.pi)))


def _table(rows: Sequence[tuple[float, ...]]) -> dict[str, NDArray[Any]]:
    values = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(COLUMNS))
    table: Mapping[str, NDArray[Any]] = dict(zip(COLUMNS, values.T, strict=True))
    whole = ("aggressor", "sourceAmp", "targetAmp")
    return {n: c.astype(np.int32) if n in whole else c.copy() for n, c in table.items()}
