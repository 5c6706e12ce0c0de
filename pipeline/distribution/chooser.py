"""Which alerts of an image are in which stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from skyassay.pipeline.distribution.fields import Reader
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.streams import Stream


class Chooser:
    """Finds which alerts of an image are in which stream; each alert is decoded once.

    Parameters
    ----------
    streams : sequence of Stream
    """

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams
        self._taken: Counter[tuple[str, int]] = Counter()
        self._readers: dict[int, Reader] = {}

    def __call__(self, image: Image) -> dict[str, list[int]]:
        """Return stream -> indices of its alerts."""
        everything = list(range(len(image.ids)))
        chosen = {s.name: everything if s.is_full else [] for s in self._streams}
        filters = [stream for stream in self._streams if stream.condition is not None]
        if not filters:
            return chosen
        read = self._reader(image.container.schema_id)
        for i in everything:
            packet = read(image.container.bodies[i])
            for stream in filters:
                key = (stream.name, image.visit)
                full = stream.limit is not None and self._taken[key] >= stream.limit
                if not full and stream.condition and stream.condition.accepts(packet):
                    chosen[stream.name].append(i)
                    self._taken[key] += 1
        return chosen

    def _reader(self, schema_id: int) -> Reader:
        if schema_id not in self._readers:
            columns = {c for s in self._streams if s.condition for c in s.condition.columns}
            self._readers[schema_id] = Reader(schema_id, columns)
        return self._readers[schema_id]
