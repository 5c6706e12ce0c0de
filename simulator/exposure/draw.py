"""The light of one detector in one visit, electrons per pixel, before any noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from skyassay.simulator.exposure.gaussians import add_gaussians
from skyassay.simulator.exposure.mixtures import DE_VAUCOULEURS, EXPONENTIAL
from skyassay.simulator.exposure.motion import apparent
from skyassay.simulator.exposure.visit import TrueVisit
from skyassay.simulator.optics.distortion import TruePlace
from skyassay.simulator.optics.ghosts import ghosts
from skyassay.simulator.optics.psf import PsfShape, profile

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Objects this far outside, pixels, still give light to the detector.
_REACH = 150.0
#: Sky and ghosts are smooth over this many pixels.
_COARSE = 8


@dataclass(frozen=True, eq=False)
class Seen:
    """Objects whose light may reach a detector.

    Attributes
    ----------
    object_id : ndarray of int64
    is_star : ndarray of bool
    x, y : ndarray
        Pixels; (0, 0) is the middle of the first one.
    ra, dec : ndarray
        Where they are at the time of the visit, degrees.
    mag, colour : ndarray
        In the band of the visit, and g - i.
    electrons : ndarray
        Expected in the exposure from pixels of response 1.
    cloud : ndarray
        Extinction, mag.
    shape : PsfShape
        Of the PSF there.
    galaxy : mapping
        ``radius`` (half-light, pixels), ``g1``, ``g2`` (along the pixel axes), ``bulge``;
        zero for stars.
    """

    object_id: NDArray[np.int64]
    is_star: NDArray[np.bool_]
    x: Floats
    y: Floats
    ra: Floats
    dec: Floats
    mag: Floats
    colour: Floats
    electrons: Floats
    cloud: Floats
    shape: PsfShape
    galaxy: Mapping[str, Floats]


def seen_by(visit: TrueVisit, place: TruePlace, star: Table, galaxy: Table) -> Seen:
    """Return the objects whose light may reach a detector, stars first, in the tables' order."""
    parts = [_near(visit, place, t, stars) for t, stars in ((star, True), (galaxy, False))]
    join = {n: np.concatenate([p[n] for p in parts]) for n in parts[0]}
    fx, fy = join.pop("fx"), join.pop("fy")
    cloud = visit.sky.cloud(fx, fy)
    electrons = 10.0 ** (-0.4 * (join["mag"] + cloud - visit.clear_zero_point))
    galaxies = {n: join.pop(n) for n in ("radius", "g1", "g2", "bulge")}
    return Seen(
        **join, electrons=electrons, cloud=cloud, shape=visit.psf.shape(fx, fy), galaxy=galaxies
    )


def _near(visit: TrueVisit, place: TruePlace, table: Table, stars: bool) -> Table:
    """Return the objects of one kind near a detector."""
    ra, dec = table["coord_ra"], table["coord_dec"]
    if stars:
        ra, dec = apparent(table, visit.mjd)
    colour = table["g_mag"] - table["i_mag"]
    fx, fy = visit.map.sky_to_focal(ra, dec, colour)
    x, y = place.focal_to_pixel(fx, fy)
    d = place.detector
    near = (x > -_REACH) & (x < d.nx + _REACH) & (y > -_REACH) & (y < d.ny + _REACH)
    count = int(near.sum())
    zero = np.zeros(count)
    found: Table = {
        "object_id": table["objectId"][near],
        "is_star": np.full(count, stars),
        "x": x[near], "y": y[near], "ra": ra[near], "dec": dec[near],
        "fx": fx[near], "fy": fy[near],
        "mag": table[f"{visit.band}_mag"][near], "colour": colour[near],
        "radius": zero, "g1": zero, "g2": zero, "bulge": zero,
    }  # fmt: skip
    if not stars:
        # A shear has spin 2; the camera's axes are turned by the rotation from east, north.
        angle = 2.0 * np.radians(visit.commanded.rotation)
        e1, e2 = table["ellipticity1"][near], table["ellipticity2"][near]
        found["g1"] = np.cos(angle) * e1 + np.sin(angle) * e2
        found["g2"] = np.cos(angle) * e2 - np.sin(angle) * e1
        found["radius"] = table["effectiveRadius"][near] / visit.pixel_scale
        found["bulge"] = table["bulgeFraction"][near]
    return found


def draw_sources(visit: TrueVisit, place: TruePlace, seen: Seen) -> Floats:
    """Return the light of all objects, electrons per pixel, shape (ny, nx)."""
    image = np.zeros((place.detector.ny, place.detector.nx))
    constants = profile(visit.terms)
    psf = (constants.core_share, 1.0), (1.0 - constants.core_share, constants.width_ratio)
    pxx, pxy, pyy = _sheared(seen.shape.g1, seen.shape.g2)
    gxx, gxy, gyy = _sheared(seen.galaxy["g1"], seen.galaxy["g2"])
    star, rest = seen.is_star, ~seen.is_star
    for share, ratio in psf:
        v = np.square(ratio * seen.shape.sigma)
        _add(image, seen, star, share * seen.electrons, (v * pxx, v * pxy, v * pyy), True)
        for mixture, part in (
            (EXPONENTIAL, 1.0 - seen.galaxy["bulge"]),
            (DE_VAUCOULEURS, seen.galaxy["bulge"]),
        ):
            for light, sigma in zip(mixture.share, mixture.sigma, strict=True):
                w = np.square(sigma * seen.galaxy["radius"])
                shape = v * pxx + w * gxx, v * pxy + w * gxy, v * pyy + w * gyy
                _add(image, seen, rest, share * light * part * seen.electrons, shape, False)
    return image


def _sheared(g1: Floats, g2: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the covariance of a round Gaussian of unit variance after an area-keeping shear."""
    norm = 1.0 / (1.0 - g1 * g1 - g2 * g2)
    return (
        norm * (np.square(1.0 + g1) + g2 * g2),
        norm * 2.0 * g2,
        norm * (np.square(1.0 - g1) + g2 * g2),
    )


def _add(
    image: Floats,
    seen: Seen,
    which: NDArray[np.bool_],
    flux: Floats,
    shape: tuple[Floats, Floats, Floats],
    fine: bool,
) -> None:
    chosen = which & (flux > 0.0)
    xx, xy, yy = (s[chosen] for s in shape)
    add_gaussians(image, seen.x[chosen], seen.y[chosen], flux[chosen], xx, xy, yy, fine)


def draw_sky(visit: TrueVisit, place: TruePlace, star: Table) -> Floats:
    """Return sky and ghosts, electrons per pixel, shape (ny, nx)."""
    d = place.detector
    px = np.arange(-_COARSE, d.nx + _COARSE + 1, _COARSE, dtype=np.float64)
    py = np.arange(-_COARSE, d.ny + _COARSE + 1, _COARSE, dtype=np.float64)
    fx, fy = place.pixel_to_focal(px[None, :], py[:, None])
    light = visit.sky.level(fx, fy)
    if visit.terms.ghost > 0.0:
        zero = visit.clear_zero_point - visit.extinction
        electrons = visit.terms.ghost * 10.0 ** (-0.4 * (star[f"{visit.band}_mag"] - zero))
        sx, sy = visit.map.sky_to_focal(star["coord_ra"], star["coord_dec"])
        light = light + ghosts(fx, fy, sx, sy, electrons, visit.pixel_scale)
    spline = RectBivariateSpline(py, px, light, kx=1, ky=1)
    return np.asarray(spline(np.arange(d.ny), np.arange(d.nx)))


def draw_detector(visit: TrueVisit, place: TruePlace, seen: Seen, star: Table) -> Floats:
    """Return all light of a detector in a visit, electrons per pixel, shape (ny, nx)."""
    return np.asarray(draw_sources(visit, place, seen) + draw_sky(visit, place, star))
