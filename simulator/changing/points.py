"""Point sources that the night adds or takes away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.exposure.draw import Seen, draw_sources
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace
from skyassay.simulator.optics.refraction import COLOUR

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]
#: A trail is drawn as points at most this far apart, pixels.
_STEP = 0.5
#: Beyond the detector's edge by this, pixels, light is still drawn.
_REACH = 60.0


@dataclass(frozen=True, eq=False)
class Points:
    """What differs from the earlier nights at one time in one band.

    Attributes
    ----------
    truth_id : ndarray of int64
    kind : ndarray of str
    ra, dec : ndarray
        At mid-exposure, degrees.
    colour : ndarray
        g - i, for refraction.
    flux : ndarray
        Difference above the atmosphere, nJy; negative where it got fainter.
    host_id : ndarray of int64
        0: none.
    separation : ndarray
        From the host's middle, arcsec; NaN without a host.
    object_id : ndarray of int64
        Of the Solar System; 0: none.
    rate_ra, rate_dec : ndarray
        Motion along the sphere, degrees per day.
    """

    truth_id: Ids
    kind: NDArray[np.str_]
    ra: Floats
    dec: Floats
    colour: Floats
    flux: Floats
    host_id: Ids
    separation: Floats
    object_id: Ids
    rate_ra: Floats
    rate_dec: Floats

    def __len__(self) -> int:
        return int(self.truth_id.size)

    def only(self, chosen: NDArray[Any]) -> Points:
        """Return some of them: by mask or by index."""
        return replace(self, **{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


def points(kind: str, truth_id: Ids, ra: Floats, dec: Floats, flux: Floats, **more: Any) -> Points:
    """Return points of one kind; what is not given is nothing."""
    count = truth_id.size
    none = {
        "colour": np.full(count, COLOUR),
        "host_id": np.zeros(count, dtype=np.int64),
        "separation": np.full(count, np.nan),
        "object_id": np.zeros(count, dtype=np.int64),
        "rate_ra": np.zeros(count),
        "rate_dec": np.zeros(count),
    }
    return Points(truth_id, np.full(count, kind, dtype="U12"), ra, dec, flux=flux, **none | more)


def joined_points(parts: Sequence[Points]) -> Points:
    """Return points of several kinds after each other."""
    columns = {f.name: [getattr(p, f.name) for p in parts] for f in fields(Points)}
    return Points(**{n: np.concatenate(c) for n, c in columns.items()})


@dataclass(frozen=True, eq=False)
class Placed:
    """Points on a detector and around it.

    Attributes
    ----------
    points : Points
    x, y : ndarray
        Of the middle, pixels; (0, 0) is the middle of the first one.
    fx, fy : ndarray
        Focal plane, degrees.
    dx, dy : ndarray
        From the begin of the exposure to its end, pixels.
    cloud : ndarray
        Extinction, mag.
    electrons : ndarray
        Difference in the exposure in pixels of response 1.
    """

    points: Points
    x: Floats
    y: Floats
    fx: Floats
    fy: Floats
    dx: Floats
    dy: Floats
    cloud: Floats
    electrons: Floats


def place_points(visit: TrueVisit, place: TruePlace, given: Points, exptime: float) -> Placed:
    """Return the points near a detector."""
    fx, fy = visit.map.sky_to_focal(given.ra, given.dec, given.colour)
    x, y = place.focal_to_pixel(fx, fy)
    d = place.detector
    near = (x > -_REACH) & (x < d.nx + _REACH) & (y > -_REACH) & (y < d.ny + _REACH)
    given, fx, fy, x, y = given.only(near), fx[near], fy[near], x[near], y[near]
    dx, dy = _trail(visit, place, given, exptime)
    cloud = visit.sky.cloud(fx, fy)
    electrons = given.flux * 10.0 ** (-0.4 * (31.4 + cloud - visit.clear_zero_point))
    return Placed(given, x, y, fx, fy, dx, dy, cloud, electrons)


def _trail(
    visit: TrueVisit, place: TruePlace, given: Points, exptime: float
) -> tuple[Floats, Floats]:
    """Return the motion in the exposure, pixels."""
    dx, dy = np.zeros(len(given)), np.zeros(len(given))
    moves = np.flatnonzero((given.rate_ra != 0.0) | (given.rate_dec != 0.0))
    if moves.size:
        some, half = given.only(moves), 0.5 * exptime / 86400.0
        ends = []
        for sign in (-half, half):
            ra = some.ra + sign * some.rate_ra / np.cos(np.radians(some.dec))
            dec = some.dec + sign * some.rate_dec
            focal = visit.map.sky_to_focal(ra, dec, some.colour)
            ends.append(place.focal_to_pixel(*focal))
        dx[moves], dy[moves] = ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]
    return dx, dy


def draw_points(visit: TrueVisit, place: TruePlace, placed: Placed) -> Floats:
    """Return their light, electrons per pixel of response 1, shape (ny, nx); it has a sign."""
    count = np.maximum(np.ceil(np.hypot(placed.dx, placed.dy) / _STEP), 1.0).astype(np.int64)
    which = np.repeat(np.arange(count.size), count)
    step = np.arange(which.size) - np.repeat(np.cumsum(count) - count, count)
    along = (step + 0.5) / count[which] - 0.5
    x = placed.x[which] + along * placed.dx[which]
    y = placed.y[which] + along * placed.dy[which]
    electrons = placed.electrons[which] / count[which]
    image = np.zeros((place.detector.ny, place.detector.nx))
    for sign in (1.0, -1.0):
        k = np.flatnonzero(sign * electrons > 0.0)
        if k.size:
            image += sign * draw_sources(
                visit, place, _stars(visit, placed, which[k], x[k], y[k], sign * electrons[k])
            )
    return image


def _stars(
    visit: TrueVisit, placed: Placed, which: Ids, x: Floats, y: Floats, electrons: Floats
) -> Seen:
    """Return points as stars; the PSF along a trail is that of its middle."""
    zero = np.zeros(which.size)
    p = placed.points
    return Seen(
        object_id=p.truth_id[which],
        is_star=np.ones(which.size, dtype=bool),
        x=x, y=y, ra=p.ra[which], dec=p.dec[which],
        mag=zero, colour=p.colour[which],
        electrons=electrons, cloud=placed.cloud[which],
        shape=visit.psf.shape(placed.fx[which], placed.fy[which]),
        galaxy={"radius": zero, "g1": zero, "g2": zero, "bulge": zero},
    )  # fmt: skip
