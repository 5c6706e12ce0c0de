"""How the astrometric errors of a visit move a star on the sphere.

All displacements are vectors in three dimensions, added to the star's unit vector: exact at
RA 0 and at the poles.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import MAS_PER_RADIAN
from skyassay.simulator.geometry import basis, to_sky

Floats = NDArray[np.float64]
Triple = tuple[Floats, Floats, Floats]
Pair = tuple[Floats, Floats]


def distortion_matrix(scale: Floats, shear1: Floats, shear2: Floats) -> Triple:
    """Return (xx, xy, yy) of the symmetric linear distortion of a visit, dimensionless."""
    return scale + shear1, shear2, scale - shear1


def displaced(
    star: Triple, centre: tuple[float, float], matrix: Triple, shift_mas: Pair, own_mas: Pair
) -> Pair:
    """Return (ra, dec) in degrees of stars moved by the errors of a visit.

    Parameters
    ----------
    star : tuple of ndarray, shape (3, ...)
        Unit vector to each star, and east and north there.
    centre : tuple of float
        Pointing (ra, dec), degrees; the origin of the distortion.
    matrix : tuple of ndarray
        (xx, xy, yy) of the distortion; broadcast against the stars.
    shift_mas : tuple of ndarray
        Translation of the field along the pointing's east and north, mas. It is applied as
        a rotation, so that it changes no separation.
    own_mas : tuple of ndarray
        Displacement of each star along its own east and north, mas.
    """
    p, east, north = star
    p0, e0, n0 = (v[:, 0] for v in basis(np.full(1, centre[0]), np.full(1, centre[1])))
    x, y, z = (np.tensordot(axis, p, axes=1) for axis in (e0, n0, p0))
    xx, xy, yy = matrix
    tx, ty = shift_mas[0] / MAS_PER_RADIAN, shift_mas[1] / MAS_PER_RADIAN
    # Rotation by (tx, ty) at the pointing: omega = p0 x t, and omega x p = t (p0.p) - p0 (t.p).
    along_e = xx * x + xy * y + tx * z
    along_n = xy * x + yy * y + ty * z
    along_p = -(tx * x + ty * y)
    de, dn = own_mas[0] / MAS_PER_RADIAN, own_mas[1] / MAS_PER_RADIAN
    moved = [
        p[k] + e0[k] * along_e + n0[k] * along_n + p0[k] * along_p + east[k] * de + north[k] * dn
        for k in range(3)
    ]
    return to_sky(moved[0], moved[1], moved[2])
