"""A consumer of one stream, as a process of its own.

    python -m skyassay.pipeline.distribution.consumer --bootstrap HOST:PORT --topic NAME --out DIR

Each alert is in the store (SQLite, key diaSourceId) before its offset is committed: killed at
any moment and started again, it gets what it had not stored, and what it gets twice it keeps
once. The store of one topic belongs to one process at a time.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from skyassay.pipeline.distribution.errors import DistributionError, wrong
from skyassay.pipeline.distribution.store import Store, stored
from skyassay.pipeline.products.errors import ProductError


class Stopping:
    """Whether SIGTERM or SIGINT came."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)

    def _hear(self, *_: object) -> None:
        self.asked = True


def consume(
    consumer: Any, store: Store, *, until: int | None, idle: float | None, stop: Any, batch: int
) -> None:
    """Store what comes until there are enough alerts, or for a while none, or a signal.

    Parameters
    ----------
    consumer : confluent_kafka.Consumer
        With its partitions assigned and automatic commits off.
    store : Store
    until : int or None
        Different alerts.
    idle : float or None
        s.
    stop : object
        Its `asked` ends the loop.
    batch : int
        Most messages between commits.

    Raises
    ------
    DistributionError
        ``BROKER_ERROR`` for an error that does not pass by itself; those of `Store`.
    """
    from confluent_kafka import KafkaError

    # The end of a partition, a broker away for a while: librdkafka goes on by itself.
    passing = {KafkaError._PARTITION_EOF, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN}
    last = time.monotonic()
    while not stop.asked and not (until is not None and store.count >= until):
        if idle is not None and time.monotonic() - last > idle:
            return
        messages = consumer.consume(num_messages=batch, timeout=0.05)
        errors = [m.error() for m in messages if m.error() and m.error().code() not in passing]
        if errors:
            raise DistributionError(f"The broker answers: {errors[0].str()}.", code="BROKER_ERROR")
        good = [m for m in messages if not m.error()]
        if not good:
            continue
        store.put([(m.key(), m.value()) for m in good])
        # Only now: what is committed is durable here.
        consumer.commit(offsets=_behind(good), asynchronous=False)
        last = time.monotonic()


def _behind(messages: Sequence[Any]) -> list[Any]:
    """Return the offsets behind the messages."""
    from confluent_kafka import TopicPartition

    ends: dict[tuple[str, int], int] = {}
    for message in messages:
        at = (message.topic(), message.partition())
        ends[at] = max(ends.get(at, 0), message.offset() + 1)
    return [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]


def open_consumer(
    bootstrap: str, topic: str, group: str, options: dict[str, str], timeout: float = 30.0
) -> Any:
    """Return a consumer of all partitions of a topic, at the group's committed offsets.

    The partitions are assigned here and not by the group: a restarted process goes on at
    once, and need not wait until the group has missed the dead one.

    Raises
    ------
    DistributionError
        ``BROKER_AWAY``, ``TOPIC_ABSENT``.
    """
    from confluent_kafka import (
        OFFSET_BEGINNING,
        OFFSET_INVALID,
        Consumer,
        KafkaException,
        TopicPartition,
    )

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.max.bytes": 50 * 2**20,
            "fetch.wait.max.ms": 20,
            "log_level": 3,
            **options,
        }
    )
    try:
        found = _partitions(consumer, topic, timeout)
        parts = [TopicPartition(topic, number) for number in found]
        at = consumer.committed(parts, timeout=timeout)
    except KafkaException as error:
        consumer.close()
        raise DistributionError(
            f"The broker {bootstrap} does not answer: {error.args[0].str()}.", code="BROKER_AWAY"
        ) from error
    # Nothing committed: from the beginning.
    for one in at:
        one.offset = OFFSET_BEGINNING if one.offset == OFFSET_INVALID else one.offset
    consumer.assign(at)
    return consumer


def _partitions(consumer: Any, topic: str, timeout: float) -> list[int]:
    """Return the topic's partitions, waiting for it to be made."""
    end = time.monotonic() + timeout
    while not (found := consumer.list_topics(topic, timeout=timeout).topics[topic].partitions):
        if time.monotonic() > end:
            consumer.close()
            raise DistributionError(
                f"The broker has no topic {topic}.",
                code="TOPIC_ABSENT",
                hint="Topics have the names of the streams.",
            )
        time.sleep(0.1)
    return list(found)


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="consumer", description="Store the alerts of a stream.")
    parser.add_argument("--bootstrap", required=True, help="host:port of a broker")
    parser.add_argument("--topic", required=True)
    parser.add_argument("--out", required=True, type=Path, help="folder of the store")
    parser.add_argument("--group", help="consumer group; the topic's name with -store by default")
    parser.add_argument("--until", type=int, help="end with so many different alerts")
    parser.add_argument("--idle", type=float, help="end after so many seconds without an alert")
    parser.add_argument("--batch", type=int, default=200, help="most alerts between commits")
    parser.add_argument("--checksums", action="store_true", help="do not keep the bytes")
    parser.add_argument("--option", action="append", default=[], help="NAME=VALUE for librdkafka")
    return parser.parse_args(words)


def main(words: Sequence[str] | None = None) -> int:
    """Run; prints what is stored as JSON and returns the exit code."""
    given = _arguments(words)
    stop = Stopping()
    try:
        if any("=" not in one for one in given.option):
            raise wrong("An option is NAME=VALUE.", "KAFKA_OPTION")
        options = dict(one.split("=", 1) for one in given.option)
        store = Store(given.out, keep=not given.checksums)
        try:
            group = given.group or f"{given.topic}-store"
            consumer = open_consumer(given.bootstrap, given.topic, group, options)
            try:
                consume(
                    consumer, store, until=given.until, idle=given.idle, stop=stop,
                    batch=given.batch,
                )  # fmt: skip
            finally:
                consumer.close()
        finally:
            store.close()
    except ProductError as error:
        hint = f" {error.hint}" if error.hint else ""
        sys.stderr.write(f"{error.code}: {error}{hint}\n")
        return error.exit_code
    sys.stdout.write(json.dumps(asdict(stored(given.out))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
