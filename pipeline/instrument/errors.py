"""Errors about the instrument and its raw frames."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class InstrumentError(ProductError):
    """A layout, header or raw frame is not what it must be; has `code`, `hint`, `exit_code`."""
