"""Errors about world coordinates, matching and astrometric fits."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class AstrometryError(ProductError):
    """Positions cannot be had or calibrated; has `code`, `hint`, `exit_code`."""
