"""Units: a measurement is brought to the unit of its criterion, or it is not judged."""

from __future__ import annotations

from functools import lru_cache

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.units import parse_unit


@lru_cache(maxsize=1024)
def factor(unit: str, target: str) -> float | None:
    """Return what turns a number in `unit` into one in `target`; None if nothing does.

    Parameters
    ----------
    unit, target : str
        Units as astropy reads them, and the month of the requirements; ``""`` is dimensionless.

    Notes
    -----
    Only proportional conversions count. An offset (Celsius) or a logarithm (magnitudes to
    fluxes) would move a value and its interval differently, so it is no conversion here.
    """
    if unit == target:
        return 1.0
    import astropy.units as u

    try:
        scale = parse_unit(unit or "").to(parse_unit(target or ""))
    except (u.UnitsError, RequirementsError, ValueError, TypeError):
        return None
    return float(scale)
