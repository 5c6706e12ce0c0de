"""What can be chosen about the measurement of one detector."""

from __future__ import annotations

from dataclasses import dataclass

#: Radii (pixel) of the circular apertures of Rubin's Source table.
RADII = (3.0, 6.0, 9.0, 12.0, 17.0, 25.0, 35.0, 50.0, 70.0)
#: Radius (pixel) of the aperture that instrumental fluxes are normalised to.
CALIB_RADIUS = 12.0


@dataclass(frozen=True)
class Options:
    """Settings of `characterize` and `measure_with`.

    Attributes
    ----------
    mesh : int
        Side of a cell of the background mesh, pixel.
    threshold : float
        Signal-to-noise ratio of a detection; 5 is the depth convention of LPM-17.
    prominence : float
        How far a peak must rise over the saddle to a higher one, in units of the noise of the
        smoothed image, to be a source of its own.
    guess_fwhm : float
        FWHM (pixel) of the smoothing before the size of the PSF is known.
    star_snr : tuple of float
        Signal-to-noise range of PSF stars.
    star_band : float
        Half-width of the stellar locus in the logarithm of the size, at least.
    reserved : float
        Share of PSF stars kept out of the fit.
    least_stars : int
        Fewer PSF stars than this are an error.
    linear_stars, quadratic_stars : int
        Stars from which the PSF varies linearly, and quadratically, over the detector.
    sweeps : int
        Passes of the simultaneous fit of overlapping sources.
    sky_sources : int
        Empty places measured beside the sources.
    extended_ratio : float
        A source whose PSF flux is less than this share of its Gaussian flux is extended
        (the 0.95 of Rubin's classification).
    """

    mesh: int = 128
    threshold: float = 5.0
    prominence: float = 3.0
    guess_fwhm: float = 4.0
    star_snr: tuple[float, float] = (50.0, 1000.0)
    star_band: float = 0.06
    reserved: float = 0.2
    least_stars: int = 5
    linear_stars: int = 10
    quadratic_stars: int = 60
    sweeps: int = 4
    sky_sources: int = 100
    extended_ratio: float = 0.95
