"""Alerts to Kafka: an idempotent producer, every replica asked, reports counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from skyassay.pipeline.distribution.errors import DistributionError, wrong
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.sinks import Delivered
from skyassay.pipeline.distribution.streams import Stream

#: How long an alert is tried, s.
PATIENCE = 60.0
_AWAY = frozenset(
    {
        "_MSG_TIMED_OUT", "_TIMED_OUT", "_TIMED_OUT_QUEUE", "_TRANSPORT", "_ALL_BROKERS_DOWN",
        "_RESOLVE", "_PURGE_QUEUE", "_PURGE_INFLIGHT",
    }
)  # fmt: skip


def settings(bootstrap: str, patience: float, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return librdkafka's configuration of the producer; options of the user come last."""
    return {
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        # It retries until this is over; then the report says so.
        "message.timeout.ms": int(1000 * patience),
        "message.max.bytes": 10 * 2**20,
        "queue.buffering.max.kbytes": 256 * 2**10,
        "compression.type": "snappy",
        "linger.ms": 5,
        # What goes wrong is told by the report, in its own words.
        "log_level": 0,
        **options,
    }


class KafkaSink:
    """A topic for each stream; key is the diaSourceId as digits, value the wire format.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several with commas between.
    patience : float
        How long an alert is tried before its report says that the broker is away, s.
    options : mapping
        More of librdkafka's configuration, as user name and password.

    Raises
    ------
    DistributionError
        ``NO_KAFKA`` without confluent-kafka, ``KAFKA_OPTION``; exit code 4.
    """

    kind = "kafka"

    def __init__(
        self,
        bootstrap: str,
        *,
        patience: float = PATIENCE,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        kafka = _library()
        self._full, self._refused = BufferError, kafka.KafkaException
        self._reports: list[Delivered] = []
        self.trouble = ""
        config = settings(bootstrap, patience, options or {})
        try:
            self._producer = kafka.Producer(
                # Errors of connections end as reports of the alerts they delay.
                config | {"error_cb": self._hear}
            )
        except (kafka.KafkaException, TypeError, ValueError) as error:
            raise wrong(f"Kafka's options are refused: {error}.", "KAFKA_OPTION") from error

    def _hear(self, error: Any) -> None:
        self.trouble = str(error.str())

    def deliver(
        self, stream: Stream, image: Image, chosen: Sequence[int], pending: Sequence[int]
    ) -> Iterator[None]:
        """Queue the pending alerts; see `Sink`. Yields after each, and while the queue is full."""
        for index in pending:
            alert, message = image.ids[index], image.message(index)
            while not self._put(stream.name, alert, message):
                yield
            yield

    def _put(self, stream: str, alert: int, message: bytes) -> bool:
        """Queue one alert; False where there is no room for now."""
        stamp = str(int(1000 * time.time())).encode()
        try:
            self._producer.produce(
                stream,
                value=message,
                key=str(alert).encode(),
                headers=[("producer_timestamp", stamp)],
                on_delivery=self._reporter(stream, alert),
            )
        except self._full:
            self._producer.poll(0.05)
            return False
        except self._refused as error:
            code = str(error.args[0].name())
            self._reports.append(Delivered(stream, alert, time.time(), code))
        return True

    def _reporter(self, stream: str, alert: int) -> Callable[[Any, Any], None]:
        def report(error: Any, _: Any) -> None:
            code = "" if error is None else str(error.name())
            self._reports.append(Delivered(stream, alert, time.time(), code))

        return report

    def reports(self, seconds: float) -> list[Delivered]:
        """Return the reports since the last call; see `Sink`."""
        self._producer.poll(seconds)
        found, self._reports = self._reports, []
        return found

    def waiting(self) -> int:
        """Return how many messages are queued or under way."""
        return len(self._producer)

    def is_away(self, code: str) -> bool:
        """Return whether the code is that of a broker that does not answer."""
        return code in _AWAY

    def close(self) -> None:
        """Forget what is queued: it is not acknowledged, so a rerun sends it."""
        self._producer.purge()
        self._producer.poll(0)


def _library() -> Any:
    try:
        import confluent_kafka
    except ImportError as error:
        raise DistributionError(
            "Sending to Kafka needs confluent-kafka, which is not installed.",
            code="NO_KAFKA",
            hint="Install skyassay[alerts].",
            exit_code=4,
        ) from error
    return confluent_kafka
