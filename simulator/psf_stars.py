"""Where the twin's PSF stars are, and the images of them that a visit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.geometry import basis, offset_positions
from skyassay.simulator.observe import FIELD_RADIUS, SIDE
from skyassay.simulator.psf_terms import PsfTerms
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
#: Groups fill this part of the radius of the field of view.
_FILLED = 0.97
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


@dataclass(frozen=True, eq=False)
class PsfStars:
    """The bright stars of one field.

    Attributes
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees.
    x, y : ndarray, shape (n,)
        East and north of the centre of the field, degrees.
    mag : ndarray, shape (n,)
    detector : ndarray of int32, shape (n,)
    reserved : ndarray of bool, shape (n,)
    root : ndarray, shape (groups, k, k)
        Turns k independent normal variates of a group into its correlated residuals.
    """

    ra: Floats
    dec: Floats
    x: Floats
    y: Floats
    mag: Floats
    detector: NDArray[np.int32]
    reserved: NDArray[np.bool_]
    root: Floats

    def residuals(self, normal: Floats) -> Floats:
        """Return correlated residuals of unit variance of normal variates, shape (2, n)."""
        groups, k, _ = self.root.shape
        z = normal.reshape(2, groups, k)
        return np.asarray(np.einsum("gij,cgj->cgi", self.root, z).reshape(2, -1))


def psf_stars(terms: PsfTerms, field: tuple[float, float], seed: int, index: int) -> PsfStars:
    """Return the stars of one field: groups on a sunflower spiral, turned at random."""
    draw = rng(seed, "psf.stars", index)
    turn, k = 2.0 * np.pi * draw.random(), 3 + terms.trained
    number = np.arange(terms.groups)
    rho = _FILLED * FIELD_RADIUS * np.sqrt((number + 0.5) / terms.groups)
    gx, gy = rho * np.cos(number * _GOLDEN + turn), rho * np.sin(number * _GOLDEN + turn)
    dx, dy = _members(terms, draw)
    x, y = ((g[:, None] + d / 60.0).ravel() for g, d in ((gx, dx), (gy, dy)))
    arcmin = np.hypot(dx[:, :, None] - dx[:, None, :], dy[:, :, None] - dy[:, None, :])
    covariance = terms.kernel(arcmin) + 1e-9 * np.eye(k)
    ra, dec = offset_positions(*field, x, y)
    mag = draw.uniform(terms.bright, terms.faint, terms.groups * k)
    column, row = (
        np.clip(np.floor((v / FIELD_RADIUS + 1.0) * SIDE / 2.0), 0, SIDE - 1) for v in (x, y)
    )
    reserved = np.tile(np.arange(k) < 3, terms.groups)
    detector = (SIDE * row + column).astype(np.int32)
    root = np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)
    return PsfStars(ra, dec, x, y, mag, detector, reserved, root)


def _members(terms: PsfTerms, draw: np.random.Generator) -> tuple[Floats, Floats]:
    """Return offsets of a group's stars from its centre, arcmin, shape (groups, k)."""
    angle = 2.0 * np.pi * draw.random(terms.groups)
    half = 0.5 * terms.pair
    along = np.tile([half, -half, 0.0], (terms.groups, 1))
    across = np.tile([0.0, 0.0, terms.arm], (terms.groups, 1))
    # Training stars lie on a ring around the others, farther apart than any blend.
    where = 2.0 * np.pi * (np.arange(terms.trained) + draw.random((terms.groups, 1)))
    where = where / max(terms.trained, 1)
    along = np.hstack([along, np.cos(where)])
    across = np.hstack([across, np.sin(where)])
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    return c * along - s * across, s * along + c * across


def nearest_field(
    fields: tuple[tuple[float, float], ...], visits: dict[str, NDArray[Any]]
) -> NDArray[np.intp]:
    """Return the field of every visit."""
    centre = np.array(fields)
    p = basis(centre[:, 0], centre[:, 1])[0]
    return np.asarray((p.T @ basis(visits["ra"], visits["dec"])[0]).argmax(axis=0))
