"""Errors about zero points."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class PhotocalError(ProductError):
    """Fluxes cannot be calibrated; has `code`, `hint`, `exit_code`."""
