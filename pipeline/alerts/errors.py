"""Errors about alert packets."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class AlertError(ProductError):
    """A packet cannot be built, written or read; has `code`, `hint`, `exit_code`."""
