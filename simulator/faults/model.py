"""What a fault is: declared beforehand, with what it flips and what it must not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from skyassay.simulator.errors import SimulatorError

Seam = Literal["sky", "instrument", "network", "product", "executor"]
Base = Literal["catalog", "night", "pixels"]
_KEYS = frozenset({"title", "seam", "base", "unit", "flips", "never", "why", "open"})


@dataclass(frozen=True)
class Fault:
    """One fault as it is declared.

    Attributes
    ----------
    id, title : str
    seam : str
        Where it acts.
    base : str
        On what it acts: tables of a release, tables of a night, raw frames.
    unit : str
        Of the dose.
    flips : mapping
        Criterion -> dose at which the population value reaches the limit.
    never : tuple of str
        Criteria that no dose of the campaign may flip.
    why : str
        Where the doses come from.
    open : mapping
        Criterion -> why what is declared of it does not hold.
    """

    id: str
    title: str
    seam: Seam
    base: Base
    unit: str
    flips: Mapping[str, float]
    never: tuple[str, ...]
    why: str
    open: Mapping[str, str]

    @property
    def criteria(self) -> tuple[str, ...]:
        """All criteria that something is declared of."""
        return (*self.flips, *self.never)


@cache
def faults() -> Mapping[str, Fault]:
    """Return the declared faults by id, in the order of the file.

    Raises
    ------
    SimulatorError
        ``bad_faults`` where the file breaks its own form.
    """
    text = files("skyassay.simulator").joinpath("faults.yaml").read_text("utf-8")
    found: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return {name: _fault(name, entry) for name, entry in found["faults"].items()}


def fault(name: str) -> Fault:
    """Return one fault.

    Raises
    ------
    SimulatorError
        ``unknown_fault`` (exit code 4).
    """
    if name not in faults():
        raise SimulatorError(
            f"There is no fault named {name!r}.",
            code="unknown_fault",
            hint=f"Faults: {', '.join(faults())}.",
            exit_code=4,
        )
    return faults()[name]


def _fault(name: str, entry: Mapping[str, Any]) -> Fault:
    if unknown := set(entry) - _KEYS:
        raise _bad(f"Fault {name} has unknown keys {sorted(unknown)}.")
    flips = {str(c): float(dose) for c, dose in entry["flips"].items()}
    never = tuple(entry["never"])
    if not flips or not never:
        raise _bad(f"Fault {name} must say what it flips and what it must not.")
    if set(flips) & set(never) or min(flips.values()) <= 0.0:
        raise _bad(f"Fault {name} flips what it must not, or at no dose.")
    return Fault(
        name, entry["title"], entry["seam"], entry["base"], entry["unit"], flips, never,
        entry["why"], entry.get("open", {}),
    )  # fmt: skip


def _bad(text: str) -> SimulatorError:
    return SimulatorError(text, code="bad_faults", hint="Mend simulator/faults.yaml.")
