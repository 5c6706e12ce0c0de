"""Errors about the association of measurements."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class AssociationError(ProductError):
    """Measurements cannot be associated; has `code`, `hint`, `exit_code`."""
