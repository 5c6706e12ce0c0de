"""Every expectation beyond the matched stars': one line per family."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from skyassay.simulator.expectations import (
    astrometry,
    depth,
    galaxies,
    images,
    psf,
    survey,
    zero_points,
)
from skyassay.simulator.expectations.model import Expectation

#: Modules with ``EXPECTATIONS``.
_FAMILIES: tuple[tuple[Expectation, ...], ...] = (
    astrometry.EXPECTATIONS,
    depth.EXPECTATIONS,
    images.EXPECTATIONS,
    galaxies.EXPECTATIONS,
    psf.EXPECTATIONS,
    survey.EXPECTATIONS,
    zero_points.EXPECTATIONS,
)


@cache
def expectations() -> Mapping[str, Expectation]:
    """Return metric id -> expectation."""
    return {one.metric: one for family in _FAMILIES for one in family}
