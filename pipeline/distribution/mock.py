"""A broker without a server: librdkafka's mock cluster in a process of its own.

    python -m skyassay.pipeline.distribution.mock [--brokers 3]

prints its addresses and lives until its standard input ends. It speaks Kafka's protocol and
keeps only the newest 5 MiB of each partition, in memory: for tests, load tests and
demonstrations, not for a night.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from skyassay.pipeline.distribution.errors import DistributionError

#: What a partition keeps, bytes.
KEPT = 5 * 2**20
#: Partitions of a topic.
PARTITIONS = 4


@contextmanager
def mock_broker(brokers: int = 1) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a mock cluster in another process; yields its addresses and the process.

    Raises
    ------
    DistributionError
        ``MOCK_BROKER`` where it does not start.
    """
    command = [sys.executable, "-m", __name__, "--brokers", str(brokers)]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline().strip() if process.stdout else ""
        if not line:
            raise DistributionError("The mock broker does not start.", code="MOCK_BROKER")
        yield line, process
    finally:
        process.kill()
        process.communicate()


def main(words: Sequence[str] | None = None) -> int:
    """Run a mock cluster until standard input ends."""
    parser = argparse.ArgumentParser(prog="mock", description="A Kafka broker for tests.")
    parser.add_argument("--brokers", type=int, default=1)
    given = parser.parse_args(words)
    from confluent_kafka import Producer

    # A client that does nothing else owns the cluster.
    owner = Producer({"test.mock.num.brokers": given.brokers, "log_level": 3})
    found = owner.list_topics(timeout=10).brokers.values()
    sys.stdout.write(",".join(f"{b.host}:{b.port}" for b in found) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
