"""Brightness of Solar System objects in the H, G system."""

from __future__ import annotations

import numpy as np

from skyassay.pipeline.orbits.kepler import Floats


def phase_law(phase: Floats, g: Floats | float) -> Floats:
    """Return magnitudes that an object at a phase angle (rad) is fainter than at opposition.

    Source: E. Bowell et al., Asteroids II (1989), eq. A4, in its simple form.
    """
    half = np.tan(0.5 * phase)
    one, two = np.exp(-3.33 * half**0.63), np.exp(-1.87 * half**1.22)
    return np.asarray(-2.5 * np.log10((1.0 - g) * one + g * two))


def magnitude(h: Floats, g: Floats, sun: Floats, observer: Floats, phase: Floats) -> Floats:
    """Return V of H and G at distances from Sun and observer (AU) and a phase angle (rad)."""
    return np.asarray(h + 5.0 * np.log10(sun * observer) + phase_law(phase, g))
