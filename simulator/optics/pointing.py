"""Where the telescope really looked, and where the zenith was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.optics.terms import OpticsTerms
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pointing:
    """True direction of a visit.

    Attributes
    ----------
    visit : int
    band : str
    ra, dec : float
        True boresight, degrees.
    rotation : float
        Degrees: the camera's +x axis is turned from east towards north.
    hour_angle, latitude : float
        Degrees.
    """

    visit: int
    band: str
    ra: float
    dec: float
    rotation: float
    hour_angle: float
    latitude: float

    @property
    def zenith(self) -> Floats:
        """Unit vector to the zenith, shape (3,)."""
        one = np.ones(1)
        return np.asarray(basis((self.ra + self.hour_angle) * one, self.latitude * one)[0][:, 0])

    @property
    def horizon(self) -> tuple[float, float]:
        """Altitude and azimuth (from north over east), degrees."""
        lat, d, h = np.radians([self.latitude, self.dec, self.hour_angle])
        sine = np.sin(lat) * np.sin(d) + np.cos(lat) * np.cos(d) * np.cos(h)
        east = -np.cos(d) * np.sin(h)
        north = np.cos(lat) * np.sin(d) - np.sin(lat) * np.cos(d) * np.cos(h)
        azimuth = float(np.degrees(np.arctan2(east, north))) % 360.0
        return float(np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))), azimuth

    def airmass_at(self, hour_angle: float) -> float:
        """Return the plane-parallel airmass at an hour angle (degrees)."""
        lat, d, h = np.radians([self.latitude, self.dec, hour_angle])
        return float(1.0 / (np.sin(lat) * np.sin(d) + np.cos(lat) * np.cos(d) * np.cos(h)))


def true_pointing(commanded: Pointing, terms: OpticsTerms, seed: int) -> Pointing:
    """Return where a telescope looked that was told to look at `commanded`."""
    error = rng(seed, "optics.pointing", commanded.visit).standard_normal(3)
    shift = terms.pointing_arcsec / 3600.0 * error[:2]
    ra, dec = offset_positions(commanded.ra, commanded.dec, shift[:1], shift[1:])
    return Pointing(
        commanded.visit,
        commanded.band,
        float(ra[0]),
        float(dec[0]),
        commanded.rotation + terms.rotation_arcsec / 3600.0 * float(error[2]),
        commanded.hour_angle,
        commanded.latitude,
    )
