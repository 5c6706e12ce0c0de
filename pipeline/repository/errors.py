"""Errors about repositories and what is entered into them."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class RepositoryError(ProductError):
    """A repository or an input to it is not what it must be; has `code`, `hint`, `exit_code`."""
