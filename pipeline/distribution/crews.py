"""The consumers of a load test."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from skyassay.pipeline.distribution.distribute import STREAMS
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.kafka import KafkaSink
from skyassay.pipeline.distribution.mock import KEPT, PARTITIONS, mock_broker
from skyassay.pipeline.distribution.sinks import Sink
from skyassay.pipeline.distribution.store import Stored, stored
from skyassay.pipeline.distribution.streams import Stream

#: Most alerts of a detector that are built at a time.
MOST = 60
_PAUSE, _PATIENCE = 0.02, 60.0


class FileCrew:
    """Consumers that read the folders of the streams when a visit is over."""

    def __init__(self, folder: Path, streams: Sequence[Stream]) -> None:
        self.folder, self.streams = folder, streams

    def sink(self) -> Sink | None:
        """Return None: the folders are the default."""
        return None

    def room(self, _: int) -> bool:
        """Return True: nobody is waited for."""
        return True

    def got(self, visit: int, _: int) -> list[Stored]:
        """Return what each folder holds of the visit."""
        return [self._read(self.folder / STREAMS / s.name, visit) for s in self.streams]

    @staticmethod
    def _read(folder: Path, visit: int) -> Stored:
        times: Counter[int] = Counter()
        size = 0
        for path in folder.glob(f"{visit}_*.avro"):
            image = Image(visit, 0, path.read_bytes())
            times.update(image.ids)
            size += sum(image.sizes)
        return Stored(len(times), times.total() - len(times), size)


class KafkaCrew:
    """Consumers that run beside the producer; each visit's counts are those since the last."""

    def __init__(self, folder: Path, streams: Sequence[Stream], stack: ExitStack) -> None:
        self.folder, self.streams = folder, streams
        self.bootstrap, _ = stack.enter_context(mock_broker())
        self.running = [stack.enter_context(self._consumer(s.name)) for s in streams]
        self.before = [Stored(0, 0, 0) for _ in streams]

    @contextmanager
    def _consumer(self, topic: str) -> Iterator[subprocess.Popen[str]]:
        module = "skyassay.pipeline.distribution.consumer"
        words = ["--bootstrap", self.bootstrap, "--topic", topic, "--checksums"]
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", module, *words, "--out", str(self.folder / "stores" / topic)],
            stdout=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def sink(self) -> Sink | None:
        """Return a new producer."""
        return KafkaSink(self.bootstrap)

    def now(self) -> list[Stored]:
        """Return what the stores hold; all consumers must be alive."""
        dead = [s.name for s, p in zip(self.streams, self.running, strict=True) if p.poll()]
        if dead:
            raise DistributionError(f"The consumer of {dead[0]} ended.", code="CONSUMER_LOST")
        return [stored(self.folder / "stores" / s.name) for s in self.streams]

    def room(self, sent: int) -> bool:
        """Return whether the mock can keep more: half of its partitions are for this."""
        found = self.now()
        ahead = sent - min(one.alerts - b.alerts for one, b in zip(found, self.before, strict=True))
        size = max(max(one.bytes // max(one.alerts, 1) for one in found), 100_000)
        return (ahead + MOST) * size <= PARTITIONS * KEPT // 2

    def got(self, _: int, count: int) -> list[Stored]:
        """Wait until every consumer has the visit, and return what each got of it."""
        wait(lambda: min(
            one.alerts - b.alerts for one, b in zip(self.now(), self.before, strict=True)
        ) >= count)  # fmt: skip
        found, before = self.now(), self.before
        self.before = found
        return [
            Stored(one.alerts - b.alerts, one.again - b.again, one.bytes - b.bytes)
            for one, b in zip(found, before, strict=True)
        ]


def wait(ready: Callable[[], bool], patience: float = _PATIENCE) -> None:
    """Wait for consumers.

    Raises
    ------
    DistributionError
        ``CONSUMER_SLOW``.
    """
    end = time.monotonic() + patience
    while not ready():
        if time.monotonic() > end:
            raise DistributionError(
                f"Consumers have not taken their alerts within {patience:g} s.",
                code="CONSUMER_SLOW",
            )
        time.sleep(_PAUSE)
