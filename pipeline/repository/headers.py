"""Raw headers: what an exposure record is made of, and which headers are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyassay.pipeline.instrument.errors import InstrumentError
from skyassay.pipeline.instrument.filters import FILTERS
from skyassay.pipeline.instrument.layouts import NAME, camera

_NUMBERS = ("EXPTIME", "DARKTIME", "MJD-BEG", "MJD-END")
_ON_SKY = ("RA", "DEC", "ROTPA")
KINDS: Mapping[str, str] = {
    "OBJECT": "science",
    "BIAS": "bias",
    "DARK": "dark",
    "FLAT": "flat",
    "SPOT": "spot",
}


@dataclass(frozen=True)
class RawFile:
    """A raw frame on disk with a sound header."""

    path: Path
    header: Mapping[str, Any]

    @property
    def exposure(self) -> int:
        """Number of the exposure."""
        return int(self.header["EXPID"])

    @property
    def detector(self) -> int:
        """Number of the detector."""
        return int(self.header["DETECTOR"])

    @property
    def on_sky(self) -> bool:
        """Whether it shows the sky."""
        return bool(self.header["IMGTYPE"] == "OBJECT")


def checked(path: Path, header: Mapping[str, Any]) -> RawFile:
    """Return the raw file, or say what is wrong with its header.

    Raises
    ------
    InstrumentError
        ``bad_header``.
    """
    wrong = _wrong(header)
    if wrong:
        raise InstrumentError(
            f"The header of {path.name} is not sound: {wrong}.",
            code="bad_header",
            hint="Mend the header, or leave the frame out; the others are entered without it.",
        )
    return RawFile(path, dict(header))


def _wrong(header: Mapping[str, Any]) -> str:
    """Return what is wrong with a header; empty if nothing."""
    needed = ("INSTRUME", "EXPID", "DAYOBS", "SEQNUM", "IMGTYPE", "FILTER", "DETECTOR", "LAYOUT")
    missing = [k for k in (*needed, *_NUMBERS) if k not in header]
    if missing:
        return f"it has no {', '.join(missing)}"
    if header["INSTRUME"] != NAME:
        return f"it is of {header['INSTRUME']!s}, not of {NAME}"
    if header["IMGTYPE"] not in KINDS:
        return f"IMGTYPE is {header['IMGTYPE']!s}"
    numbers = (*_NUMBERS, *(_ON_SKY if header["IMGTYPE"] == "OBJECT" else ()))
    bad = [k for k in numbers if not _finite(header.get(k))]
    if bad:
        return f"{', '.join(bad)} is not a number"
    return _wrong_values(header)


def _wrong_values(header: Mapping[str, Any]) -> str:
    if header["EXPTIME"] < 0 or header["MJD-END"] < header["MJD-BEG"]:
        return "the exposure ends before it begins"
    if header["IMGTYPE"] == "OBJECT":
        if not (-90 <= header["DEC"] <= 90 and 0 <= header["RA"] < 360):
            return f"RA, DEC = {header['RA']}, {header['DEC']} is not on the sky"
        if header["FILTER"] not in FILTERS:
            return f"FILTER is {header['FILTER']!s}"
    if int(header["EXPID"]) != int(header["DAYOBS"]) * 100_000 + int(header["SEQNUM"]):
        return "EXPID does not follow from DAYOBS and SEQNUM"
    try:
        camera(str(header["LAYOUT"]))[int(header["DETECTOR"])]
    except InstrumentError as error:
        return str(error).rstrip(".")
    return ""


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
