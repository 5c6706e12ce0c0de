"""Units of stored columns: parsed, converted, or refused by name."""

from __future__ import annotations

import warnings
from typing import Any

from skyassay.pipeline.products import ProductColumn, ProductError

#: Dialects in which files state units, in the order they are tried.
_DIALECTS = ("generic", "fits", "vounit", "cds", "ogip")
_LONGEST = 100


def parse_unit(text: str, where: str) -> Any:
    """Return an astropy unit.

    Raises
    ------
    ProductError
        ``unit_unparsable``.
    """
    from astropy import units as u

    if len(text) <= _LONGEST:
        for dialect in _DIALECTS:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return u.Unit(text, format=dialect)
            except (ValueError, TypeError):
                continue
    raise ProductError(
        f"The unit {text[:_LONGEST]!r} of {where} is not a unit.",
        code="unit_unparsable",
        hint="Write units as astropy, FITS or VOUnit strings, e.g. deg, nJy, pix2.",
    )


def unit_factor(stored: str, column: ProductColumn, where: str) -> float:
    """Return the factor from a stored unit to the product's.

    Magnitudes are not converted: their errors do not convert with them.

    Raises
    ------
    ProductError
        ``unit_unparsable``, or ``wrong_unit`` when the units measure different things.
    """
    from astropy import units as u

    unit = parse_unit(stored, where)
    wanted = u.Unit(column.unit)
    if unit == wanted:
        return 1.0
    try:
        if isinstance(unit, u.function.FunctionUnitBase):
            raise u.UnitConversionError(f"{unit} is logarithmic")
        return float(unit.to(wanted))
    except u.UnitConversionError as error:
        raise ProductError(
            f"{where} is in {stored}, which is no {column.unit or 'dimensionless number'}.",
            code="wrong_unit",
            hint=f"{column.name} is read in {column.unit or 'no unit'} or what converts to it.",
        ) from error


def convertible(one: str, other: str) -> bool:
    """Return whether two unit strings of ours measure the same thing."""
    from astropy import units as u

    return bool(u.Unit(one).is_equivalent(u.Unit(other)))
