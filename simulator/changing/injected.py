"""Point sources injected into a copy of the night: how many are found is counted with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from skyassay.simulator.changing.hosts import placed
from skyassay.simulator.changing.noise import local_light, psf_noise, psf_stamps
from skyassay.simulator.changing.points import Placed, points
from skyassay.simulator.exposure.draw import Seen
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
#: Places tried per injection.
_TRIES = 8
#: Ids are minus (visit, detector, number), so many bits each.
_DETECTOR_BITS, _NUMBER_BITS = 8, 12
#: Distances kept from the edge, pixels, and from saturated stars, arcsec.
_EDGE, _CLEAR = 8.0, 3.0
#: Steps in which flux and noise are brought together.
_STEPS = 6


@dataclass(frozen=True)
class Injections:
    """Parameters of the injections.

    A third is at random places, a third within `radii` half-light radii of galaxies, a third on
    nuclei, within `nucleus` arcsec. Each detector of each visit has its own.

    Attributes
    ----------
    density : float
        Per square arcminute.
    low, high : float
        Range of signal to noise; its logarithm is spread evenly.
    separation : float
        Least distance from each other and from what really changes, arcsec.
    radii : float
    nucleus : float
    host : float
        Hosts are at most this much fainter than the visit's depth, mag.
    full : float
        Electrons in a pixel at which a star counts as saturated.
    """

    density: float = 1.3
    low: float = 3.0
    high: float = 20.0
    separation: float = 4.0
    radii: float = 3.0
    nucleus: float = 0.3
    host: float = -0.5
    full: float = 80_000.0


def injections(
    terms: Injections,
    visit: TrueVisit,
    place: TruePlace,
    seen: Seen,
    light: Floats,
    response: float,
    taken: tuple[Floats, Floats],
    seed: int,
) -> Placed:
    """Return the injections of a detector in a visit.

    Parameters
    ----------
    terms : Injections
    visit : TrueVisit
    place : TruePlace
    seen : Seen
        Stars and galaxies.
    light : ndarray, shape (ny, nx)
        All light without them, electrons per pixel of response 1.
    response : float
    taken : tuple of ndarray
        Places (x, y) of what really changes, pixels.
    seed : int
    """
    d = place.detector
    draw = rng(seed, "changing.injections", visit.visit, d.id)
    area = d.nx * d.ny * (visit.pixel_scale / 60.0) ** 2
    wanted = round(terms.density * area)
    # Which kind comes first changes: what three do not divide evens out.
    kinds = (np.arange(wanted * _TRIES) + draw.integers(3)) % 3
    x, y, host, apart = _places(terms, visit, place, seen, kinds, draw)
    signal = terms.low * (terms.high / terms.low) ** draw.random(kinds.size)
    keep = (x > _EDGE) & (y > _EDGE) & (x < d.nx - 1 - _EDGE) & (y < d.ny - 1 - _EDGE)
    keep &= _clear(terms, visit, seen, light, x, y)
    chosen = _apart(x, y, np.flatnonzero(keep), taken, terms.separation / visit.pixel_scale)
    shares = np.bincount(kinds[:wanted], minlength=3)
    chosen = np.sort(
        np.concatenate([chosen[kinds[chosen] == k][:share] for k, share in enumerate(shares)])
    )
    x, y, host, apart = x[chosen], y[chosen], host[chosen], apart[chosen]
    fx, fy = place.pixel_to_focal(x, y)
    electrons = _electrons(visit, (fx, fy), (x, y), light, response, signal[chosen])
    cloud = visit.sky.cloud(fx, fy)
    flux = electrons * 10.0 ** (0.4 * (31.4 + cloud - visit.clear_zero_point))
    key = ((visit.visit << _DETECTOR_BITS) + d.id) << _NUMBER_BITS
    ra, dec = visit.map.focal_to_sky(fx, fy)
    ids = -(key + 1 + np.arange(chosen.size, dtype=np.int64))
    own = points("injected", ids, ra, dec, flux, host_id=host, separation=apart)
    zero = np.zeros(chosen.size)
    return Placed(own, x, y, fx, fy, zero, zero, cloud, electrons)


def _places(
    terms: Injections,
    visit: TrueVisit,
    place: TruePlace,
    seen: Seen,
    kinds: NDArray[Any],
    draw: np.random.Generator,
) -> tuple[Floats, Floats, NDArray[np.int64], Floats]:
    """Return places (x, y) to try, their hosts, and distances from those, arcsec."""
    d = place.detector
    u = draw.random((4, kinds.size))
    x, y = u[0] * d.nx - 0.5, u[1] * d.ny - 0.5
    host, apart = np.zeros(kinds.size, dtype=np.int64), np.full(kinds.size, np.nan)
    galaxies = np.flatnonzero(
        ~seen.is_star
        & (seen.mag < visit.m5 + terms.host)
        & (np.abs(seen.x - 0.5 * d.nx) < 0.5 * d.nx)
        & (np.abs(seen.y - 0.5 * d.ny) < 0.5 * d.ny)
    )
    near = np.flatnonzero(kinds > 0)
    if not galaxies.size:
        return np.where(kinds > 0, -1.0e9, x), y, host, apart
    mine = galaxies[(u[2, near] * galaxies.size).astype(np.int64)]
    radius = seen.galaxy["radius"][mine]
    nucleus = kinds[near] == 2
    rho = np.where(
        nucleus,
        terms.nucleus / visit.pixel_scale * np.sqrt(u[0, near]),
        terms.radii * radius * u[0, near],
    )
    shape = {
        "ellipticity1": np.where(nucleus, 0.0, seen.galaxy["g1"][mine]),
        "ellipticity2": np.where(nucleus, 0.0, seen.galaxy["g2"][mine]),
    }
    dx, dy = placed(shape, rho, 2.0 * np.pi * u[3, near])
    x[near], y[near] = seen.x[mine] + dx, seen.y[mine] + dy
    host[near], apart[near] = seen.object_id[mine], visit.pixel_scale * np.hypot(dx, dy)
    return x, y, host, apart


def _clear(
    terms: Injections, visit: TrueVisit, seen: Seen, light: Floats, x: Floats, y: Floats
) -> NDArray[np.bool_]:
    """Return which places are not near a saturated star, nor in its bleeding."""
    sky = float(np.median(light[::16, ::16]))
    peak = seen.electrons / (2.0 * np.pi * np.square(seen.shape.sigma))
    full = seen.is_star & (peak + sky > terms.full)
    found = np.ones(x.size, dtype=bool)
    for sx, sy, over in zip(seen.x[full], seen.y[full], peak[full] / terms.full, strict=True):
        reach = _CLEAR / visit.pixel_scale * (1.0 + np.log10(max(over, 1.0)))
        found &= np.hypot(x - sx, y - sy) > reach
        # What does not fit into its pixel goes along the column.
        found &= (np.abs(x - sx) > 6.0) | (np.abs(y - sy) > reach + 12.0 * over)
    return found


def _apart(
    x: Floats,
    y: Floats,
    order: NDArray[np.int64],
    taken: tuple[Floats, Floats],
    distance: float,
) -> NDArray[np.int64]:
    """Return those, in their order, that are far from what is taken and from those before."""
    if taken[0].size and order.size:
        near = cKDTree(np.stack(taken, axis=1)).query(np.stack([x[order], y[order]], axis=1))[0]
        order = order[near >= distance]
    kept: list[int] = []
    for k in order:
        if all((x[k] - x[j]) ** 2 + (y[k] - y[j]) ** 2 >= distance**2 for j in kept):
            kept.append(int(k))
    return np.array(kept, dtype=np.int64)


def _electrons(
    visit: TrueVisit,
    focal: tuple[Floats, Floats],
    pixel: tuple[Floats, Floats],
    light: Floats,
    response: float,
    signal: Floats,
) -> Floats:
    """Return electrons with which points have a signal to noise, their own photons included."""
    psf = psf_stamps(visit, visit.psf.shape(*focal), *pixel)
    around = local_light(light, *pixel)
    electrons = np.zeros(signal.size)
    for _ in range(_STEPS):
        noise = psf_noise(psf, around + electrons[:, None, None] * psf, response)
        electrons = signal * noise
    return electrons
