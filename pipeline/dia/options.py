"""What can be chosen about the measurement of a difference image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """Settings of `measure_dia`.

    Attributes
    ----------
    threshold : float
        Signal-to-noise ratio of a detection of either sign; transSNR of LSE-61 is 5.
    prominence : float
        How far a peak must rise over the saddle to a higher one, in units of the noise of the
        smoothed image, to be a source of its own.
    sweeps : int
        Passes of the simultaneous fit of sources that overlap.
    least_share : float
        Detections with a smaller share of the PSF's weight on good pixels are not kept.
    cosmic_ray_rim : int
        Pixels around a masked cosmic ray that are left out too.
    sky_sources : int
        Empty places measured beside the sources.
    pair_reach : float
        Farthest (in FWHM of the PSF) that two peaks of opposite sign are tried as a dipole.
    dipole_share : float
        The fainter lobe of a dipole has at least this share of the brighter one's flux.
    dipole_gain : float
        How much smaller chi-square must be than that of a point source, in units of its error.
    elongation : float
        Significance of the excess of the long axis over the PSF at which a trail is tried.
    streak_snr : float
        Significance of a line across the detector at which it is a streak.
    most_streaks : int
        At most so many are looked for.
    """

    threshold: float = 5.0
    prominence: float = 3.0
    sweeps: int = 3
    least_share: float = 0.2
    cosmic_ray_rim: int = 1
    sky_sources: int = 100
    pair_reach: float = 1.5
    dipole_share: float = 0.3
    dipole_gain: float = 5.0
    elongation: float = 4.0
    streak_snr: float = 7.0
    most_streaks: int = 8
