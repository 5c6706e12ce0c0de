"""Errors of instrument signature removal."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class IsrError(ProductError):
    """A raw frame cannot be calibrated; has `code`, `hint`, `exit_code`."""
