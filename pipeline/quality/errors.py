"""Errors about the quality of processed images."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class QualityError(ProductError):
    """An image's quality cannot be measured; has `code`, `hint`, `exit_code`."""
