"""From the sky to pixels as they really are: refraction, optics, places of the sensors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.camera import Detector
from skyassay.simulator.error_model import MAS_PER_RADIAN
from skyassay.simulator.geometry import basis, to_sky
from skyassay.simulator.optics.pointing import Pointing
from skyassay.simulator.optics.refraction import COLOUR, refracted, refraction_constant
from skyassay.simulator.optics.terms import FIELD_RADIUS, OpticsTerms
from skyassay.simulator.optics.waves import Waves, waves
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]
MAS_PER_DEGREE = 3.6e6
_ITERATIONS = 12


@dataclass(frozen=True)
class FieldMap:
    """Sky <-> focal plane of one visit.

    Focal plane places are degrees along the camera's axes, as in `camera.Detector`.

    Parameters
    ----------
    pointing : Pointing
        The true one.
    terms : OpticsTerms
    seed : int
    """

    pointing: Pointing
    terms: OpticsTerms
    seed: int

    @cached_property
    def _axes(self) -> Floats:
        """Rows: east, north and boresight of the air's image of the sky, shape (3, 3)."""
        one = np.ones(1)
        p, e, n = basis(self.pointing.ra * one, self.pointing.dec * one)
        k = refraction_constant(self.pointing.band, np.full(1, COLOUR))
        there = refracted(p, self.pointing.zenith, k)[:, 0]
        here = p[:, 0]
        # The mount follows the refracted boresight: the least rotation that brings it back.
        v, c = np.cross(there, here), float(there @ here)
        cross = np.array([[0.0, -v[2], v[1]], [v[2], 0.0, -v[0]], [-v[1], v[0], 0.0]])
        turn = np.eye(3) + cross + cross @ cross / (1.0 + c)
        return np.asarray(np.stack([e[:, 0], n[:, 0], here]) @ turn)

    @cached_property
    def _turbulence(self) -> tuple[Waves, Waves]:
        x, y = (
            waves(self.terms.turbulence_deg, self.seed, "turbulence", self.pointing.visit, k)
            for k in (0, 1)
        )
        return x, y

    def sky_to_focal(self, ra: Floats, dec: Floats, colour: Floats | None = None) -> Pair:
        """Return focal plane places of stars.

        Parameters
        ----------
        ra, dec : ndarray, shape (n,)
            Degrees; places the telescope cannot see give NaN.
        colour : ndarray, shape (n,), optional
            g - i; without it stars have the colour that is not refracted.
        """
        colour = np.full(np.shape(ra), COLOUR) if colour is None else colour
        k = refraction_constant(self.pointing.band, colour, self.terms.dcr)
        p = self._axes @ refracted(basis(ra, dec)[0], self.pointing.zenith, k)
        depth = np.where(p[2] > 0.0, p[2], np.nan)
        east, north = np.degrees(p[0] / depth), np.degrees(p[1] / depth)
        turn = np.radians(self.pointing.rotation)
        x = np.cos(turn) * east + np.sin(turn) * north
        y = -np.sin(turn) * east + np.cos(turn) * north
        stretch = 1.0 + self.terms.distortion * (x * x + y * y) / FIELD_RADIUS**2
        x, y = x * stretch, y * stretch
        size = self.terms.turbulence_mas / MAS_PER_DEGREE
        return x + size * self._turbulence[0](x, y), y + size * self._turbulence[1](x, y)

    def focal_to_sky(self, x: Floats, y: Floats) -> Pair:
        """Return (ra, dec) in degrees of focal plane places, for the colour not refracted."""
        turn = np.radians(self.pointing.rotation)
        p0, e0, n0 = (
            v[:, 0] for v in basis(self.pointing.ra * np.ones(1), self.pointing.dec * np.ones(1))
        )
        u, v = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
        for _ in range(_ITERATIONS):
            # All that is not a projection is small: what is left shrinks 1000-fold each time.
            east = np.radians(np.cos(turn) * u - np.sin(turn) * v)
            north = np.radians(np.sin(turn) * u + np.cos(turn) * v)
            ra, dec = to_sky(*(p0[k] + east * e0[k] + north * n0[k] for k in range(3)))
            fx, fy = self.sky_to_focal(ra, dec)
            dx, dy = x - fx, y - fy
            u, v = u + dx, v + dy
            if np.nanmax(np.hypot(dx, dy), initial=0.0) < 1e-3 / MAS_PER_RADIAN:
                break
        return ra, dec


@dataclass(frozen=True)
class TruePlace:
    """Where a detector really stands.

    Attributes
    ----------
    detector : Detector
        The nominal one.
    dx, dy : float
        Its image is displaced by this, pixels.
    tilt : float
        And turned by this about its centre, radians.
    scale : float
        Pixels per degree.
    """

    detector: Detector
    dx: float
    dy: float
    tilt: float
    scale: float

    @property
    def middle(self) -> tuple[float, float]:
        """Pixel coordinates of the nominal centre."""
        return 0.5 * (self.detector.nx - 1), 0.5 * (self.detector.ny - 1)

    def focal_to_pixel(self, x: Floats, y: Floats) -> Pair:
        """Return pixel coordinates: (0, 0) is the centre of the first pixel."""
        u = (x - self.detector.x) * self.scale
        v = (y - self.detector.y) * self.scale
        c, s = np.cos(self.tilt), np.sin(self.tilt)
        return (
            np.asarray(c * u - s * v + self.middle[0] + self.dx),
            np.asarray(s * u + c * v + self.middle[1] + self.dy),
        )

    def pixel_to_focal(self, px: Floats, py: Floats) -> Pair:
        """Return focal plane places of pixel coordinates, degrees."""
        u, v = px - self.middle[0] - self.dx, py - self.middle[1] - self.dy
        c, s = np.cos(self.tilt), np.sin(self.tilt)
        return (
            np.asarray((c * u + s * v) / self.scale + self.detector.x),
            np.asarray((-s * u + c * v) / self.scale + self.detector.y),
        )


def true_place(detector: Detector, pixel_scale: float, terms: OpticsTerms, seed: int) -> TruePlace:
    """Return where a detector really stands: the same in every visit."""
    dx, dy, turn = rng(seed, "optics.detector", detector.id).standard_normal(3)
    return TruePlace(
        detector,
        terms.offset_pixels * float(dx),
        terms.offset_pixels * float(dy),
        float(np.radians(terms.tilt_arcsec * turn / 3600.0)),
        3600.0 / pixel_scale,
    )
