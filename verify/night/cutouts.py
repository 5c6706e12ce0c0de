"""The three small images of single alerts, out of their packets."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skyassay.pipeline.products import ProductError
from skyassay.verify.alerts.decode import packets
from skyassay.verify.alerts.packet import Packet
from skyassay.verify.alerts.stamps import image
from skyassay.verify.tables import FileSource, Source
from skyassay.verify.tables.notes import reading

#: Field of a packet -> what it shows.
KINDS = {
    "cutoutDifference": "difference", "cutoutScience": "science", "cutoutTemplate": "template",
}  # fmt: skip
#: Pixels of a side that are kept.
SIDE = 31
COLUMNS = ("diaSourceId", "kind", "height", "width", "pixels")


@runtime_checkable
class Packets(Protocol):
    """A reader that can give the packets behind its rows."""

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """Yield name and content of each file or dataset: containers or messages."""
        ...


def cutouts_of(source: Source, ids: Collection[int]) -> pd.DataFrame:
    """Return the cutouts of these alerts.

    Parameters
    ----------
    source : Source
    ids : collection of int
        diaSourceIds.

    Returns
    -------
    DataFrame
        ``diaSourceId``, ``kind``, ``height``, ``width`` and ``pixels`` (row by row from below,
        float32, in the unit of the cutout); the middle where a cutout is larger. Without a row
        where the source has no packets; what is no readable image is left out.
    """
    wanted, rows = set(ids), []
    for content in _contents(source):
        # A packet holds its id as Avro's variable-length number: a look at the bytes is
        # thousands of times faster than decoding. Compressed blocks hide it.
        if b"deflate" not in content[:4096] and not any(_avro(i) in content for i in wanted):
            continue
        for packet in _decoded(content):
            name = packet.record["diaSource"]["diaSourceId"]
            if name in wanted:
                wanted.discard(name)
                rows += _rows(int(name), packet.record)
        if not wanted:
            break
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _contents(source: Source) -> Iterator[bytes]:
    """Yield the content of every file of packets that can be read."""
    if not isinstance(source, FileSource) or "alert" not in source.products:
        return
    for reader, _ in source.one("alert").files:
        if isinstance(reader, Packets):
            for _, content in reader.contents():
                yield content


def _decoded(content: bytes) -> Iterator[Packet]:
    """Yield packets up to the first that is damaged: who measures `alert` names it."""
    with suppress(ProductError), reading("The packets"):
        yield from packets(content)


def _rows(name: int, record: Any) -> list[tuple[Any, ...]]:
    found = []
    for field, kind in KINDS.items():
        content = record.get(field)
        pixels = None if content is None else image(content)
        if pixels is not None:
            middle = _middle(pixels)
            flat = middle.astype(np.float32).ravel()
            found.append((name, kind, *middle.shape, flat))
    return found


def _middle(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the middle of an image, `SIDE` pixels at most."""
    start = [max(0, (n - SIDE) // 2) for n in pixels.shape]
    return pixels[start[0] : start[0] + SIDE, start[1] : start[1] + SIDE]


def _avro(number: int) -> bytes:
    """Return a long as Avro writes it: zigzag, seven bits a byte."""
    left = (number << 1) ^ (number >> 63)
    out = bytearray()
    while left >= 0x80:
        out.append((left & 0x7F) | 0x80)
        left >>= 7
    return bytes([*out, left])
