"""The population that the nominal values are about: an even grid of stars and conditions."""

from __future__ import annotations

import numpy as np

from skyassay.simulator.conditions import Site, condition_nodes
from skyassay.simulator.error_model import BANDS
from skyassay.simulator.observe import FIELD_RADIUS
from skyassay.simulator.population import Population
from skyassay.simulator.universe import Universe, g_minus_i, magnitudes


def nominal_population(universe: Universe, site: Site, dec: float, stars: int = 4096) -> Population:
    """Return stars and conditions of a survey as nodes of a quadrature, without chance.

    Parameters
    ----------
    universe : Universe
    site : Site
    dec : float
        Declination of the field, degrees; it decides the airmass.
    stars : int
        Nodes over brightness and colour.
    """
    # The golden ratio pairs every brightness with every colour evenly.
    index = np.arange(stars)
    u = (index + 0.5) / stars
    colour = np.mod(0.5 + index * (np.sqrt(5.0) - 1.0) / 2.0, 1.0)
    return Population(
        magnitudes=magnitudes(universe.r_magnitude(u), g_minus_i(colour)),
        weights=np.ones(stars),
        conditions={b: condition_nodes(site, b, dec) for b in BANDS},
        field_radius=FIELD_RADIUS,
    )
