"""Verdicts expected of a simulated night."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

#: Sizes of a night that something is expected of.
SIZES = ("small", "medium")


@cache
def _declared() -> Mapping[str, Mapping[str, list[str]]]:
    text = files("skyassay.simulator").joinpath("nominal_night.yaml").read_text("utf-8")
    found: Any = yaml.load(text, Loader=yaml.CSafeLoader)
    criteria: Mapping[str, Mapping[str, list[str]]] = found["criteria"]
    return criteria


def expected_of_night(size: str) -> dict[str, tuple[str, ...]]:
    """Return criterion -> verdicts that a night of a size may get.

    Parameters
    ----------
    size : str
        ``small`` or ``medium``; of another size nothing is expected.
    """
    return {c: tuple(entry[size]) for c, entry in _declared().items() if size in entry}
