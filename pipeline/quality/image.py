"""All that `analyzeImageQuality` says of one processed image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.images.exposure import Exposure
from skyassay.pipeline.images.mask import bits
from skyassay.pipeline.instrument.camera import Amplifier
from skyassay.pipeline.quality.content import content
from skyassay.pipeline.quality.crosstalk import COLUMNS, Choice, residuals
from skyassay.pipeline.quality.ghosts import GhostChoice, ghost_area
from skyassay.pipeline.quality.stamps import Pixels

#: Pixels that hold no light of the sky, or not as it fell.
UNUSABLE = (
    "BAD", "SAT", "INTRP", "CR", "EDGE", "NO_DATA", "STREAK", "UNMASKEDNAN",
)  # fmt: skip
#: Around these the light is the sources'.
SOURCES = ("DETECTED", "SAT")
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ImageQuality:
    """Rows of three products, without visit, detector and band.

    Attributes
    ----------
    crosstalk, ghosts, content : dict
        Column -> ndarray; the last two have one row.
    """

    crosstalk: Columns
    ghosts: Columns
    content: Columns


def analyze(
    exposure: Exposure,
    sources: Mapping[str, NDArray[Any]],
    amplifiers: Sequence[Amplifier],
    pixel_scale: float,
    background: NDArray[Any] | None = None,
    choices: tuple[Choice, GhostChoice] | None = None,
) -> ImageQuality:
    """Return crosstalk residuals, ghost area and content of a processed image.

    Parameters
    ----------
    exposure : Exposure
        Background-subtracted, electrons.
    sources : mapping
        ``x`` and ``y`` of every source, pixels.
    amplifiers : sequence of Amplifier
        Of the detector.
    pixel_scale : float
        arcsec per pixel.
    background : ndarray, optional
        Values of the background that was subtracted.
    choices : tuple, optional

    Notes
    -----
    Fluxes and noise are in nJy. An image without zero point has none of them: its noise is NaN
    and there are no residuals; one without PSF has no residuals.
    """
    crosstalk, ghosts = choices or (Choice(), GhostChoice())
    calib = exposure.photo_calib
    scale = calib.nanojansky if calib is not None else float("nan")
    usable = (exposure.mask & bits(*UNUSABLE)) == 0
    area = ghost_area(
        exposure.image, usable, (exposure.mask & bits(*SOURCES)) != 0, pixel_scale, ghosts
    )
    return ImageQuality(
        _echoes(exposure, sources, amplifiers, usable, scale, crosstalk),
        {
            "nPixel": np.array([area.n_pixel]),
            "nPixelGhost": np.array([area.n_ghost]),
            "skyNoise": np.array([area.sky_noise * scale]),
        },
        {name: np.array([value]) for name, value in content(exposure, background).items()},
    )


def _echoes(
    exposure: Exposure,
    sources: Mapping[str, NDArray[Any]],
    amplifiers: Sequence[Amplifier],
    usable: NDArray[np.bool_],
    scale: float,
    choice: Choice,
) -> Columns:
    """Return the residuals in nJy; no row where the image has no PSF or no zero point."""
    x, y = (np.asarray(sources[n], dtype=np.float64) for n in ("x", "y"))
    if exposure.psf is None or not np.isfinite(scale):
        return {name: np.empty(0) for name in COLUMNS}
    pixels = Pixels(exposure.image, exposure.variance, usable)
    found = residuals(pixels, exposure.psf.image, amplifiers, x, y, choice)
    fluxes = ("aggressorFlux", "psfFlux", "psfFluxErr")
    return {n: c * scale if n in fluxes else c for n, c in found.items()}
