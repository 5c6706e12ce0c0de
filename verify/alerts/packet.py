"""One alert, whatever it was stored in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Packet:
    """One decoded alert.

    Attributes
    ----------
    version : str
        Of its schema, ``major.minor``; empty where a broker has left it out.
    size : int or None
        Bytes of its Avro record; None where it is none.
    record : mapping
    """

    version: str
    size: int | None
    record: Mapping[str, Any]
