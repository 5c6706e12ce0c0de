"""The whole configuration of the twin: every error term and its size, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from skyassay.simulator.error_model import ErrorModel, default_model


@dataclass(frozen=True)
class Twin:
    """Sizes of all error terms, one field per family.

    Attributes
    ----------
    errors : ErrorModel
        Of the stars measured in single visits.
    """

    errors: ErrorModel = field(default_factory=default_model)
