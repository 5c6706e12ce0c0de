"""Errors of coaddition."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class CoaddError(ProductError):
    """Images cannot be put together; `no_overlap`, `no_images`, `not_calibrated`, `bad_patch`."""
