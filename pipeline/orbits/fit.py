"""Orbits fitted to positions: differential correction, many orbits at once.

Gauss-Newton with Levenberg's damping on the residuals of the sky, from a starting state.
The partial derivatives are taken numerically through the same two-body ephemeris.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.instrument.site import SITE, Site
from skyassay.pipeline.orbits.ephemeris import LIGHT
from skyassay.pipeline.orbits.errors import OrbitError
from skyassay.pipeline.orbits.kepler import MU, Floats, propagate
from skyassay.pipeline.orbits.observer import Frame, frame

Ints = NDArray[np.int64]
ARCSEC = np.pi / 180.0 / 3600.0
#: Steps of numerical derivatives, AU and AU/d.
_STEP = np.array([1e-6, 1e-6, 1e-6, 1e-8, 1e-8, 1e-8])
#: Far beyond any bound orbit that was sought: a step that goes there is not taken.
_FARTHEST, _FASTEST = 1000.0, 0.2


@dataclass(frozen=True)
class Positions:
    """Measured astrometric positions.

    Attributes
    ----------
    mjd : array, shape (n,)
        TAI.
    direction, east, north : array, shape (n, 3)
        ICRS unit vectors to each position, and to the east and north there.
    sigma : array, shape (n,)
        Error of a coordinate on the sky, rad.
    seen : Frame
        Observer and Sun at each time.
    """

    mjd: Floats
    direction: Floats
    east: Floats
    north: Floats
    sigma: Floats
    seen: Frame

    @classmethod
    def of(
        cls, mjd: Floats, ra: Floats, dec: Floats, sigma: Floats, site: Site = SITE
    ) -> Positions:
        """Return positions of ra, dec (deg) with errors in arcsec."""
        a, d = np.radians(ra), np.radians(dec)
        ca, sa, cd, sd = np.cos(a), np.sin(a), np.cos(d), np.sin(d)
        # Detections of one visit share their time.
        times, back = np.unique(mjd, return_inverse=True)
        seen = frame(times, site)
        return cls(
            np.asarray(mjd, dtype=np.float64),
            np.stack([ca * cd, sa * cd, sd], axis=-1),
            np.stack([-sa, ca, np.zeros_like(sa)], axis=-1),
            np.stack([-ca * sd, -sa * sd, cd], axis=-1),
            np.asarray(sigma, dtype=np.float64) * ARCSEC,
            Frame(*(part[back] for part in seen)),
        )

    def take(self, index: Ints) -> Positions:
        """Return some of them, in that order."""
        return Positions(
            self.mjd[index],
            self.direction[index],
            self.east[index],
            self.north[index],
            self.sigma[index],
            Frame(*(part[index] for part in self.seen)),
        )


class Fit(NamedTuple):
    """Fitted orbits.

    Attributes
    ----------
    state : array, shape (c, 6)
        Heliocentric ICRS position (AU) and velocity (AU/d) at the epoch.
    chi2 : array, shape (c,)
    number : array of int, shape (c,)
        Positions of each; a position is two measurements.
    residual : array, shape (n, 2)
        East and north over the error, in the order of the positions given.
    rms : array, shape (c,)
        Of the residuals, arcsec per coordinate.
    normal : array, shape (c, 6, 6)
        Inverse of the covariance of the state.
    """

    state: Floats
    chi2: Floats
    number: Ints
    residual: Floats
    rms: Floats
    normal: Floats

    @property
    def reduced(self) -> Floats:
        """Return chi2 per degree of freedom."""
        return np.asarray(self.chi2 / np.maximum(2 * self.number - 6, 1))


def fit(state: Floats, epoch: float, positions: Positions, owner: Ints, *, rounds: int = 12) -> Fit:
    """Return orbits fitted to positions.

    Parameters
    ----------
    state : array, shape (c, 6)
        Where each begins: heliocentric, ICRS axes, AU and AU/d, at `epoch` (MJD TAI).
    epoch : float
    positions : Positions
        Of all orbits, sorted by their owner.
    owner : array of int, shape (n,)
        Which orbit each belongs to, 0 to c - 1, ascending; each has at least three.
    rounds : int

    Raises
    ------
    OrbitError
        ``too_few_positions`` where an orbit has fewer than three.
    """
    size = len(state)
    count = np.bincount(owner, minlength=size)
    if len(count) > size or (size and count.min() < 3) or np.any(np.diff(owner) < 0):
        raise OrbitError(
            "An orbit needs at least three positions, sorted by orbit.",
            code="too_few_positions",
            hint="Offer three nights or more.",
        )
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64)
    state = np.array(state, dtype=np.float64)
    damp = np.full(size, 1e-4)
    value, slope = linear(state, epoch, positions, owner)
    chi2 = np.add.reduceat((value**2).sum(axis=1), first) if size else np.empty(0)
    for _ in range(rounds):
        if not size:
            break
        step = _step(value, slope, first, damp)
        tried = state + step
        sane = (np.linalg.norm(tried[:, :3], axis=1) < _FARTHEST) & (
            np.linalg.norm(tried[:, 3:], axis=1) < _FASTEST
        )
        tried = np.where(sane[:, None], tried, state)
        new_value, new_slope = linear(tried, epoch, positions, owner)
        new = np.add.reduceat((new_value**2).sum(axis=1), first)
        better = (new < chi2) & sane
        state = np.where(better[:, None], tried, state)
        gain = np.where(better, chi2 - new, 0.0)
        keep = better[owner]
        value = np.where(keep[:, None], new_value, value)
        slope = np.where(keep[:, None, None], new_slope, slope)
        chi2 = np.where(better, new, chi2)
        damp = np.where(better, damp * 0.1, damp * 10.0)
        if np.all((gain < 1e-3) & (better | (damp > 1e3))):
            break
    normal = np.add.reduceat(np.einsum("nki,nkj->nij", slope, slope), first) if size else slope
    return Fit(state, chi2, count, value, _rms(value, positions, first, count), normal)


def topocentric(
    state: Floats, epoch: float, mjd: Floats, seen: Frame, owner: Ints | slice
) -> Floats:
    """Return vectors (..., n, 3) from the observer to orbits at times, with light time, AU.

    `state` is (..., c, 6) at `epoch`; `owner` says which c each of the n times is for.
    """
    mine = state[..., owner, :]
    place, speed = propagate(mine[..., :3], mine[..., 3:], mjd - epoch)
    topo = place + seen.sun - seen.observer
    pull = -MU * place / (np.linalg.norm(place, axis=-1) ** 3)[..., None]
    motion = speed + seen.sun_velocity
    for _ in range(2):
        light = (np.linalg.norm(topo, axis=-1) / LIGHT)[..., None]
        topo = place + seen.sun - seen.observer - motion * light + 0.5 * pull * light**2
    return np.asarray(topo)


def residuals(state: Floats, epoch: float, positions: Positions, owner: Ints | slice) -> Floats:
    """Return measured minus predicted over the error, (..., n, 2), east and north.

    `state` is (..., c, 6); `owner` says which c each position belongs to.
    """
    topo = topocentric(state, epoch, positions.mjd, positions.seen, owner)
    ahead = (topo * positions.direction).sum(axis=-1)
    # Behind the observer a gnomonic offset would look small again.
    ahead = np.where(ahead > 0, ahead, 1e-9)
    east = -(topo * positions.east).sum(axis=-1) / ahead / positions.sigma
    north = -(topo * positions.north).sum(axis=-1) / ahead / positions.sigma
    return np.stack([east, north], axis=-1)


def linear(state: Floats, epoch: float, positions: Positions, owner: Ints) -> tuple[Floats, Floats]:
    """Return residuals (n, 2), and what they change with the state, (n, 2, 6)."""
    moved = np.concatenate([state[None], state[None] + _STEP[:, None, None] * np.eye(6)[:, None]])
    found = residuals(moved, epoch, positions, owner)
    slope = (found[1:] - found[0]) / _STEP[:, None, None]
    return found[0], np.moveaxis(slope, 0, -1)


def _step(value: Floats, slope: Floats, first: Ints, damp: Floats) -> Floats:
    """Return the damped Gauss-Newton step of each orbit, (c, 6)."""
    normal = np.add.reduceat(np.einsum("nki,nkj->nij", slope, slope), first)
    right = -np.add.reduceat(np.einsum("nki,nk->ni", slope, value), first)
    scale = np.sqrt(np.einsum("nii->ni", normal)) + 1e-30
    scaled = normal / scale[:, :, None] / scale[:, None, :]
    scaled = scaled + damp[:, None, None] * np.eye(6)
    return np.asarray(np.linalg.solve(scaled, (right / scale)[..., None])[..., 0] / scale)


def _rms(value: Floats, positions: Positions, first: Ints, count: Ints) -> Floats:
    """Return the RMS of residuals per coordinate, arcsec."""
    if not len(first):
        return np.empty(0)
    square = ((value * positions.sigma[:, None]) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(np.add.reduceat(square, first) / (2 * count)) / ARCSEC)
