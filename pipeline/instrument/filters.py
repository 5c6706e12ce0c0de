"""Filters of the camera."""

from __future__ import annotations

from collections.abc import Mapping

#: Physical filter -> band.
FILTERS: Mapping[str, str] = {f"{band}_sim": band for band in ("u", "g", "r", "i", "z", "y")}


def physical_filter(band: str) -> str:
    """Return the physical filter of a band."""
    return f"{band}_sim"
