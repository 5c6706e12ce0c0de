"""The alerts of one image, as they come to the distribution: the bytes of an Avro container."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from skyassay.pipeline.alerts.container import Container, read_container
from skyassay.pipeline.alerts.encode import long

SYNC = 16


@dataclass(frozen=True)
class Image:
    """All alerts of one detector of one visit.

    Attributes
    ----------
    visit, detector : int
    data : bytes
        Container, a packet in each block, as `alerts.container` writes it.
    """

    visit: int
    detector: int
    data: bytes

    @cached_property
    def container(self) -> Container:
        """The packets; `AlertError` where the bytes are damaged."""
        return read_container(self.data)

    @property
    def ids(self) -> tuple[int, ...]:
        """`diaSourceId` of each alert."""
        return self.container.ids

    @cached_property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.visit}_{self.detector}.avro"

    @cached_property
    def messages(self) -> tuple[bytes, ...]:
        """The alerts in wire format."""
        return tuple(self.container.wire())

    def message(self, index: int) -> bytes:
        """Return an alert in wire format."""
        return self.messages[index]

    @cached_property
    def digests(self) -> tuple[bytes, ...]:
        """SHA-256 of each alert in wire format."""
        return tuple(hashlib.sha256(message).digest() for message in self.messages)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each alert in wire format."""
        return tuple(len(message) for message in self.messages)

    @cached_property
    def head(self) -> bytes:
        """What stands before the first block; its end is the mark between blocks."""
        blocks = sum(len(block_start(body)) + len(body) + SYNC for body in self.container.bodies)
        return self.data[: len(self.data) - blocks]

    def subset(self, indices: Sequence[int]) -> bytes:
        """Return a container of some of the alerts, their bytes as they are."""
        if len(indices) == len(self.container):
            return self.data
        sync = self.head[-SYNC:]
        parts = [self.head]
        for i in indices:
            body = self.container.bodies[i]
            parts += [block_start(body), body, sync]
        return b"".join(parts)


def block_start(body: bytes) -> bytes:
    """Return what stands before a packet that is a block of its own: one record, its size."""
    return long(1) + long(len(body))
