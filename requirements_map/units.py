"""Units of limits: astropy's, and the calendar month that astropy does not have."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from skyassay.requirements_map.errors import RequirementsError

if TYPE_CHECKING:
    from astropy.units import UnitBase

#: Units of the source documents that astropy does not know, in units that it knows.
EXTRA_UNITS: tuple[tuple[str, str], ...] = (("month", "1/12 yr"),)


@cache
def parse_unit(text: str) -> UnitBase:
    """Return the astropy unit that a criterion's `unit` stands for.

    Parameters
    ----------
    text : str
        An astropy unit string, ``""`` for a pure number, or ``month`` (a twelfth of a year).

    Raises
    ------
    RequirementsError
        Code ``unknown_unit``.
    """
    from astropy import units as u

    if text == "month":
        return u.def_unit("month", u.yr / 12)
    try:
        return u.Unit(text)
    except ValueError as error:
        raise RequirementsError(
            f"{text!r} is not a unit.",
            code="unknown_unit",
            hint="Write it the way astropy reads it, e.g. mmag, mas/yr, Mbit / s.",
            exit_code=4,
        ) from error


def check_unit(criterion: str, text: str) -> None:
    """Refuse a unit that cannot be read, naming the criterion that has it."""
    try:
        parse_unit(text)
    except RequirementsError as error:
        raise RequirementsError(
            f"{criterion}: {error}", code=error.code, hint=error.hint, exit_code=error.exit_code
        ) from error


def convertible(a: str, b: str) -> bool:
    """Return whether a value in unit `a` can be said in unit `b`."""
    if a == b:
        return True
    first, second = parse_unit(a), parse_unit(b)
    return bool(
        _physical(first).is_equivalent(_physical(second))
        and _is_function(first) == _is_function(second)
    )


def _is_function(unit: Any) -> bool:
    """Return whether a unit is a magnitude with a zero point, like ``mag(AB)``."""
    return hasattr(unit, "function_unit")


def _physical(unit: Any) -> Any:
    """Return the part of a unit that decides what it can be converted to."""
    return unit.physical_unit if _is_function(unit) else unit
