"""Errors of linking: one sentence, a stable code, a hint."""

from __future__ import annotations


class LinkingError(Exception):
    """Detections cannot be linked.

    Parameters
    ----------
    message : str
        One sentence for the user.
    code : str
        Stable reason code: `missing_columns`, `bad_positions`, `bad_clock`.
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
