"""Smooth random fields on the sphere, with a stated correlation length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.geometry import basis
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
#: Waves that make a field: with so many it is close to Gaussian.
_WAVES = 256
_CHUNK = 4096


def smooth_field(ra: Floats, dec: Floats, length_deg: float, seed: int, *name: int | str) -> Floats:
    """Return a field of zero mean and unit variance at some places.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees.
    length_deg : float
        The correlation at distance d is exp(-d^2 / (2 length^2)).
    seed : int
    *name
        What the field is; another name gives an independent field.

    Notes
    -----
    Random Fourier features (Rahimi and Recht 2007) in three dimensions: the field is the
    same everywhere on the sphere, at a pole and across RA 0, and a place has its value
    whatever other places are asked for.
    """
    draw = rng(seed, "smooth", *name)
    waves = draw.standard_normal((3, _WAVES)) / np.radians(length_deg)
    phase = 2.0 * np.pi * draw.random(_WAVES)
    p = basis(ra, dec)[0].T
    field = np.empty(len(p))
    for start in range(0, len(p), _CHUNK):
        part = slice(start, start + _CHUNK)
        field[part] = np.cos(p[part] @ waves + phase).sum(axis=1)
    return np.asarray(field * np.sqrt(2.0 / _WAVES))
