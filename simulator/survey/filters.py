"""Which bands the Moon allows, and how the visits are to be shared among them."""

from __future__ import annotations

import numpy as np

BANDS = "ugrizy"
#: LPM-17, table 24: an example of the median visits per band.
GOAL = np.array([56.0, 80.0, 184.0, 184.0, 160.0, 160.0])
#: With more of the Moon lit than this, y is in the camera instead of u.
DARK_MOON = 0.4
_U, _G, _R, _I, _Z, _Y = range(6)
Pair = tuple[int, int]


def pairs(lit: float, moon_up: bool, twilight: bool) -> tuple[Pair, ...]:
    """Return the pairs of bands that may be observed.

    Parameters
    ----------
    lit : float
        Share of the Moon's disc that is lit.
    moon_up, twilight : bool
    """
    if twilight:
        return ((_Z, _I), (_I, _Z)) if lit < DARK_MOON else ((_Z, _Y), (_Y, _Z))
    if lit < DARK_MOON:
        if moon_up and lit > 0.15:
            return ((_R, _I), (_I, _Z))
        return ((_U, _G), (_U, _R), (_G, _R), (_R, _I), (_I, _Z))
    if moon_up:
        return ((_R, _I), (_I, _Z), (_Z, _Y), (_Y, _Y))
    return ((_G, _R), (_R, _I), (_I, _Z), (_Z, _Y), (_Y, _Y))
