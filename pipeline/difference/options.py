"""What can be chosen in difference imaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["auto", "template", "science"]


@dataclass(frozen=True)
class Options:
    """Choices of the subtraction.

    Attributes
    ----------
    widths : tuple of float
        Standard deviations of the Gaussians of the kernel, pixel.
    degrees : tuple of int
        Highest degree of the polynomial on each of them.
    half : int
        The kernel has 2 half + 1 pixels a side.
    order : int
        Of the polynomials over the detector; lower where there are too few stars.
    stars_per_term : int
        So many stars are needed for each term of these polynomials.
    background_order : int
        Of the polynomial of the differential background.
    stamp : int
        Half side of the stamps of the kernel's stars, pixel.
    least_stars, most_stars : int
        Fewer are an error; of more the brightest of each part of the detector are taken.
    least_snr : float
        Signal-to-noise ratio of a star of the kernel.
    rounds : int
        Fits, between which stars that do not subtract are left out.
    clip : float
        Robust standard deviations at which a star is left out.
    model_error : float
        Relative error of the model at a star's pixels, added to the noise: with none the
        brightest stars alone would decide.
    mode : str
        Which image is convolved: the template, the science image, or (auto) the sharper one.
    auto_margin : float
        In auto the science image is convolved where the template's PSF is wider than its own
        by this factor: a kernel that sharpens the template a little leaves less of bright stars
        and whiter noise than one that blurs the science image.
    decorrelate : bool
        Whiten the noise.
    block : int
        Side of the blocks in which the kernel is constant, pixel.
    """

    widths: tuple[float, ...] = (0.7, 1.4, 2.8)
    degrees: tuple[int, ...] = (4, 2, 2)
    half: int = 10
    order: int = 2
    stars_per_term: int = 12
    background_order: int = 1
    stamp: int = 12
    least_stars: int = 5
    most_stars: int = 100
    least_snr: float = 20.0
    rounds: int = 4
    clip: float = 4.0
    model_error: float = 0.003
    mode: Mode = "auto"
    auto_margin: float = 1.2
    decorrelate: bool = True
    block: int = 128
