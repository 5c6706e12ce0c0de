"""Bound parameters: PF1 holds *at* PA2; each level takes its own value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from skyassay.requirements_map.errors import RequirementsError
from skyassay.requirements_map.model import ANY_BAND, Bindings
from skyassay.requirements_map.units import check_unit


@dataclass(frozen=True)
class RawCriterion:
    """As much of a criterion as a binding needs."""

    id: str
    levels: Mapping[str, Any]
    unit: str


def resolve(
    criterion: str,
    written: Mapping[str, Any],
    levels: tuple[str, ...],
    index: Mapping[str, RawCriterion],
) -> tuple[Bindings, Mapping[str, Mapping[str, str]]]:
    """Return the bound values and the criteria they come from.

    Parameters
    ----------
    criterion : str
        Whose bindings they are, for messages.
    written : mapping
        parameter -> criterion id, or ``{"gri": id, "uzy": id}`` (letters are bands),
        or ``{"value": 0.6, "unit": "arcsec"}``.
    levels : tuple of str
        The levels that need a value.
    index : mapping
        Every criterion by id.

    Raises
    ------
    RequirementsError
        Codes ``unknown_criterion``, ``binding_level_missing``, ``binding_not_number``,
        ``duplicate_band``, ``unknown_unit``.
    """
    values: dict[str, Mapping[str, Mapping[str, tuple[float, str]]]] = {}
    sources: dict[str, Mapping[str, str]] = {}
    for parameter, target in written.items():
        if isinstance(target, Mapping) and "value" in target:
            check_unit(criterion, target["unit"])
            pair = (float(target["value"]), str(target["unit"]))
            values[parameter] = MappingProxyType({ANY_BAND: dict.fromkeys(levels, pair)})
            sources[parameter] = MappingProxyType({})
            continue
        by_band = _by_band(criterion, parameter, target)
        sources[parameter] = MappingProxyType(by_band)
        values[parameter] = MappingProxyType(
            {band: _values(criterion, key, levels, index) for band, key in by_band.items()}
        )
    return MappingProxyType(values), MappingProxyType(sources)


def _by_band(criterion: str, parameter: str, target: Any) -> dict[str, str]:
    """Return band -> criterion id; ``gri`` stands for three bands."""
    if isinstance(target, str):
        return {ANY_BAND: target}
    result: dict[str, str] = {}
    for letters, key in target.items():
        for band in letters:
            if band in result:
                raise RequirementsError(
                    f"{criterion} binds {parameter} twice in band {band}.",
                    code="duplicate_band",
                    exit_code=4,
                )
            result[band] = key
    return result


def _values(
    criterion: str, target: str, levels: tuple[str, ...], index: Mapping[str, RawCriterion]
) -> Mapping[str, tuple[float, str]]:
    if target not in index:
        raise RequirementsError(
            f"{criterion} binds {target}, which is not known.",
            code="unknown_criterion",
            exit_code=4,
        )
    found = index[target]
    result: dict[str, tuple[float, str]] = {}
    for level in levels:
        if level not in found.levels:
            raise RequirementsError(
                f"{criterion} has a level {level} that the bound {target} does not have.",
                code="binding_level_missing",
                exit_code=4,
            )
        if isinstance(found.levels[level], str):
            raise RequirementsError(
                f"{criterion} binds {target}, which is not a number.",
                code="binding_not_number",
                exit_code=4,
            )
        result[level] = (float(found.levels[level]), found.unit)
    return MappingProxyType(result)
