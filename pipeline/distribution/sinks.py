"""Where alerts go: what a sink is, and the one that writes Avro containers into folders."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from skyassay.pipeline.distribution.errors import named
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.streams import Stream


@dataclass(frozen=True)
class Delivered:
    """A delivery report.

    Attributes
    ----------
    stream : str
    alert : int
        diaSourceId.
    time : float
        Unix time, s.
    code : str
        Why it was not delivered; empty: it was.
    """

    stream: str
    alert: int
    time: float
    code: str = ""


class Sink(Protocol):
    """Takes alerts and reports what became of each."""

    #: ``files`` or ``kafka``: the destination that a delivery log is about.
    kind: str
    #: What the other end or the connection to it last complained of.
    trouble: str

    def deliver(
        self, stream: Stream, image: Image, chosen: Sequence[int], pending: Sequence[int]
    ) -> Iterator[None]:
        """Send alerts of an image to a stream; yields where the caller should look up.

        Parameters
        ----------
        stream : Stream
        image : Image
        chosen : sequence of int
            Indices of all alerts of the image that are in the stream.
        pending : sequence of int
            Those that it has not acknowledged.
        """

    def reports(self, seconds: float) -> list[Delivered]:
        """Return the reports since the last call, waiting for some for this long at most, s."""

    def waiting(self) -> int:
        """Return how many alerts were taken and not reported."""

    def is_away(self, code: str) -> bool:
        """Return whether a report's code says that the other end cannot be reached."""

    def close(self) -> None:
        """Give up what is not reported."""


class FileSink:
    """A folder for each stream, a container for each image.

    The same container in several streams is the same file under several names where the file
    system can do that. A file is there whole or not at all.

    Parameters
    ----------
    folder : Path
    """

    kind = "files"
    trouble = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reports: list[Delivered] = []
        self._whole: tuple[Image, Path] | None = None

    def deliver(
        self, stream: Stream, image: Image, chosen: Sequence[int], pending: Sequence[int]
    ) -> Iterator[None]:
        """Write the file; see `Sink`.

        Raises
        ------
        DistributionError
            ``DISK_FULL``, ``STREAM_UNWRITABLE``.
        """
        path = self.folder / stream.name / image.name
        whole = len(chosen) == len(image.ids)
        with named(f"The alerts {path} cannot be written", "STREAM_UNWRITABLE"):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not (whole and self._linked(image, path)):
                write_durably(path, image.subset(chosen))
            if whole:
                self._whole = (image, path)
        now = time.time()
        self._reports += [Delivered(stream.name, image.ids[i], now) for i in pending]
        yield

    def _linked(self, image: Image, path: Path) -> bool:
        """Give the last whole file of this image another name, if that can be done."""
        if self._whole is None or self._whole[0] is not image or self._whole[1] == path:
            return False
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.unlink(missing_ok=True)
        try:
            os.link(self._whole[1], temporary)
        except OSError:  # another file system, or one without links
            return False
        temporary.replace(path)
        # Two names of one file: then nothing was renamed.
        temporary.unlink(missing_ok=True)
        sync_folder(path.parent)
        return True

    def reports(self, seconds: float) -> list[Delivered]:
        """Return the reports since the last call; see `Sink`."""
        found, self._reports = self._reports, []
        return found

    def waiting(self) -> int:
        """Return 0: files are written or refused at once."""
        return 0

    def is_away(self, code: str) -> bool:
        """Return False: a folder is there, or it is an error."""
        return False

    def close(self) -> None:
        """Do nothing."""


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it is whole or not there, also after a fall of the machine."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
