"""Errors of orbits and ephemerides."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class OrbitError(ProductError):
    """Orbits cannot be propagated or fitted.

    Codes: `missing_columns`, `bad_elements`, `no_convergence`, `bad_time`, `too_few_positions`.
    """
