"""Errors of difference imaging."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class DifferenceError(ProductError):
    """A difference image cannot be made.

    Codes: `wrong_shape`, `not_calibrated`, `no_template`, `too_few_kernel_stars`,
    `kernel_failed`.
    """
