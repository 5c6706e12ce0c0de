"""Mask planes, with Rubin's names."""

from __future__ import annotations

from collections.abc import Mapping

#: Name -> number of the bit.
PLANES: Mapping[str, int] = {
    "BAD": 0,
    "SAT": 1,
    "INTRP": 2,
    "CR": 3,
    "EDGE": 4,
    "DETECTED": 5,
    "DETECTED_NEGATIVE": 6,
    "SUSPECT": 7,
    "NO_DATA": 8,
    "CROSSTALK": 9,
    "STREAK": 10,
    "UNMASKEDNAN": 11,
}


def bit(name: str) -> int:
    """Return the value of one plane."""
    return 1 << PLANES[name]


def bits(*names: str) -> int:
    """Return the value of several planes together."""
    value = 0
    for name in names:
        value |= bit(name)
    return value
