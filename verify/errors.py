"""Errors of this package: one sentence, a stable code, a hint."""

from __future__ import annotations


class VerifyError(Exception):
    """Something the user can act on.

    Parameters
    ----------
    message : str
        One sentence for the user.
    code : str
        Stable reason code.
    hint : str
        What the user can do about it.
    """

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
