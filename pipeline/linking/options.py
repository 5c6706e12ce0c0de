"""Choices of the linking."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LinkingOptions:
    """What is sought and what is accepted.

    Attributes
    ----------
    min_gap, max_gap : float
        Time between the detections of a tracklet, minutes.
    min_rate, max_rate : float
        Motion on the sky, deg/d: slower things are stationary within a night, faster ones
        have too many chance pairs and leave trails.
    flux_sigma, flux_share : float
        Difference of the two fluxes that is allowed: so many errors, and such a share.
    min_nights, window : int
        Nights of a link, and the days they must lie within.
    distances : tuple of float
        Heliocentric distances tried, AU.
    radial : tuple of float
        Radial velocities tried, as shares of the speed of escape at that distance.
    reach : tuple of float
        How far apart propagated tracklets of one object may be, rad as seen by the observer,
        at a distance of 1 AU or more: pass by pass over what the one before has left.
    lever : float
        Days that turn a difference of velocities into one of places.
    neighbours : int
        Neighbours looked at per tracklet.
    least_chance, most_rms : float
        An orbit is accepted when its chi2 or a larger one has this chance by noise alone, and
        by the RMS of its fit, arcsec.
    attribution : float
        Errors within which a further detection is taken into a link.
    bound : bool
        Whether only orbits with e < 1 are accepted.
    """

    min_gap: float = 10.0
    max_gap: float = 90.0
    min_rate: float = 0.005
    max_rate: float = 1.0
    flux_sigma: float = 4.0
    flux_share: float = 0.6
    min_nights: int = 3
    window: float = 15.0
    distances: tuple[float, ...] = (
        2.6, 2.4, 2.8, 2.2, 3.0, 2.0, 3.2, 3.5, 1.8, 4.0, 1.6, 4.6, 5.2,
        1.45, 1.3, 1.2, 1.1, 6.0, 8.0, 12.0, 20.0, 28.0, 32.0, 36.0, 39.0, 42.0, 46.0, 50.0, 60.0,
    )  # fmt: skip
    radial: tuple[float, ...] = (0.0, -0.08, 0.08, -0.16, 0.16, -0.25, 0.25, -0.35, 0.35)
    reach: tuple[float, ...] = (4e-4,)
    lever: float = 2.0
    neighbours: int = 16
    least_chance: float = 1e-5
    most_rms: float = 0.5
    attribution: float = 4.0
    bound: bool = True
