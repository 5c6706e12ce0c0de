"""Errors of the modelled clock."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class ClockError(ProductError):
    """A night cannot be timed; parameters as in `ProductError`."""
