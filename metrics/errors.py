"""Errors of the metrics package."""

from __future__ import annotations


class MetricError(Exception):
    """A metric, recipe or plugin that cannot be used.

    Parameters
    ----------
    message : str
        One sentence for the user.
    code : str
        Stable reason code, e.g. ``unknown_metric``.
    hint : str
        What the user can do about it.
    exit_code : int
        What the command line answers: 3 could not evaluate, 4 wrong usage or configuration.
    """

    def __init__(self, message: str, *, code: str, hint: str = "", exit_code: int = 3) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.exit_code = exit_code
