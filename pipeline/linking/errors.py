"""Errors of linking."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class LinkingError(ProductError):
    """Detections cannot be linked; `missing_columns`, `bad_positions`, `bad_clock`."""
