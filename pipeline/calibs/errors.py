"""Errors of building calibrations."""

from __future__ import annotations

from skyassay.pipeline.products.errors import ProductError


class CalibError(ProductError):
    """A calibration cannot be built from these frames; has `code`, `hint`, `exit_code`."""


def need(found: int, least: int, what: str) -> None:
    """Refuse to build from fewer frames than needed.

    Raises
    ------
    CalibError
        ``no_frames`` for none, ``too_few_frames``.
    """
    if found >= least:
        return
    raise CalibError(
        f"{found} {what} are too few; {least} are needed.",
        code="no_frames" if found == 0 else "too_few_frames",
        hint="Take or select more frames; frames that could not be read do not count.",
    )
