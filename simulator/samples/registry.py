"""Every sampler there is: one line per family."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.samples import (
    alerts,
    astrometry,
    differences,
    galaxies,
    images,
    moving,
    psf,
    stars,
    visits,
    zero_points,
)
from skyassay.simulator.samples.model import Sampler

_FAMILIES = (
    stars,
    zero_points,
    psf,
    visits,
    galaxies,
    astrometry,
    images,
    alerts,
    differences,
    moving,
)


@cache
def samplers() -> Mapping[str, Sampler]:
    """Return metric id -> sampler.

    Raises
    ------
    SimulatorError
        ``two_samplers`` when a metric has more than one.
    """
    found: dict[str, Sampler] = {}
    for family in _FAMILIES:
        for one in family.SAMPLERS:
            if one.metric in found:
                raise SimulatorError(f"{one.metric} has two samplers.", code="two_samplers")
            found[one.metric] = one
    return found
