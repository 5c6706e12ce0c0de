"""The bytes of a file of alerts: unpacked within bounds, and what kind they are."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Literal

from skyassay.pipeline.products import ProductError

Kind = Literal["container", "wire", "parquet", "unknown"]
GZIP, CONTAINER, WIRE, PARQUET = b"\x1f\x8b", b"Obj\x01", b"\x00", b"PAR1"
#: Real packets shrink to a half or a third.
MOST_EXPANSION = 50
#: Below this an expansion harms nobody, bytes.
HARMLESS = 16 * 2**20
_PIECE = 1 << 20


def load(path: Path) -> tuple[bytes, bool]:
    """Return the content of a file, unpacked if it is gzip, and whether it was.

    Raises
    ------
    ProductError
        ``archive_bomb`` where it unpacks to far more than packets do.
    ValueError
        Where it is damaged.
    """
    data = path.read_bytes()
    if not data.startswith(GZIP):
        return data, False
    limit = max(MOST_EXPANSION * len(data), HARMLESS)
    return inflate(data, limit, wbits=31), True


def inflate(data: bytes, limit: int, *, wbits: int) -> bytes:
    """Return unpacked data; more than `limit` bytes are never made.

    Raises
    ------
    ProductError
        ``archive_bomb``.
    ValueError
        Where they are damaged.
    """
    made: list[bytes] = []
    total, rest = 0, data
    try:
        while rest:
            unpacker = zlib.decompressobj(wbits)
            while not unpacker.eof:
                piece = unpacker.decompress(rest, _PIECE)
                rest = unpacker.unconsumed_tail
                if not piece and not rest and not unpacker.eof:
                    raise ValueError("the compressed data end too early")
                total += len(piece)
                if total > limit:
                    raise _bomb(len(data), limit)
                made.append(piece)
            # Another member of the same file may follow, or padding.
            rest = unpacker.unused_data.lstrip(b"\0") if wbits > 0 else b""
    except zlib.error as error:
        raise ValueError(str(error)) from error
    return b"".join(made)


def kind_of(data: bytes) -> Kind:
    """Return what the first bytes say."""
    if data.startswith(CONTAINER):
        return "container"
    if data.startswith(PARQUET):
        return "parquet"
    return "wire" if data.startswith(WIRE) and len(data) > 5 else "unknown"


def _bomb(size: int, limit: int) -> ProductError:
    return ProductError(
        f"It would unpack from {size / 2**20:.3g} MiB to more than {limit / 2**20:.0f} MiB: "
        "no packet does.",
        code="archive_bomb",
        hint="If it is sound, unpack it by hand and name the unpacked file.",
    )
