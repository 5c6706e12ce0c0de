"""Brightness of Solar System objects: H and G, and the colours of asteroids."""

from __future__ import annotations

import numpy as np

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.solar_system.orbits import Floats

SLOPE = 0.15
#: Mean V minus band of C and S types (AB), after T. Grav et al., Icarus 212, 74 (2011).
_COLOUR = {"u": -1.77, "g": -0.35, "r": 0.21, "i": 0.37, "z": 0.35, "y": 0.35}


def dimming(phase: Floats, g: float = SLOPE) -> Floats:
    """Return the magnitudes lost at a phase angle (rad).

    E. Bowell et al., Asteroids II (1989), eq. A4 with A5: the full form with the blend of
    small and large angles.
    """
    half, sine = np.tan(0.5 * phase), np.sin(phase)
    weight = np.exp(-90.56 * half * half)
    parts = []
    for a, b, c in ((3.332, 0.631, 0.986), (1.862, 1.218, 0.238)):
        near = 1.0 - c * sine / (0.119 + 1.341 * sine - 0.754 * sine * sine)
        parts.append(weight * near + (1.0 - weight) * np.exp(-a * half**b))
    return np.asarray(-2.5 * np.log10((1.0 - g) * parts[0] + g * parts[1]))


def band_magnitude(v: Floats, band: str) -> Floats:
    """Return AB magnitudes in a band of objects of V magnitude.

    Raises
    ------
    SimulatorError
        ``unknown_band``.
    """
    if band not in _COLOUR:
        raise SimulatorError(
            f"There is no band {band!r}.", code="unknown_band", hint="Take one of ugrizy."
        )
    return np.asarray(v - _COLOUR[band])
