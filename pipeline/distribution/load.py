"""A load test: full-size packets built, archived and sent to several consumers.

    python -m skyassay.pipeline.distribution.load --alerts 10000 40000 --to kafka --out DIR

Over Kafka the broker is librdkafka's mock cluster, and it, the producer and every consumer
are processes of one machine. The mock keeps 5 MiB of a partition, so the producer waits for
the slowest consumer; that time counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from astropy import units
from astropy.table import Table

from skyassay.pipeline.distribution.crews import MOST, FileCrew, KafkaCrew, wait
from skyassay.pipeline.distribution.deliveries import read_log
from skyassay.pipeline.distribution.distribute import LOG, distribute_night
from skyassay.pipeline.distribution.errors import wrong
from skyassay.pipeline.distribution.full_size import full_size_images
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.streams import Stream, full_streams, user_stream
from skyassay.pipeline.products.errors import ProductError

#: Users of the filter service and full packets for each in a visit (DMS-REQ-0343).
USERS, USER_ALERTS = 100, 20
#: Detectors of a visit, and the fewest alerts of one that are built at a time.
DETECTORS, LEAST = 189, 10


@dataclass(frozen=True)
class Visit:
    """What came of one visit of the test; see the product `alert_load`.

    Attributes
    ----------
    alerts, consumers, received, double, bytes, users, user_alerts : int
        `received` is the least of the consumers, `user_alerts` the least of the users.
    seconds : float
        From the beginning of the building to the last delivery report.
    building : float
        Of these, cutouts, packets and containers.
    waiting : float
        Of these, for consumers.
    """

    visit: int
    alerts: int
    consumers: int
    received: int
    double: int
    seconds: float
    bytes: int
    users: int
    user_alerts: int
    building: float
    waiting: float


@dataclass
class _Clock:
    """Where the time of a visit goes, s."""

    begun: float = field(default_factory=time.time)
    building: float = 0.0
    waiting: float = 0.0


def run_load(
    folder: Path,
    n_alerts: Sequence[int] = (10_000,),
    *,
    to: str = "kafka",
    n_consumers: int = 5,
    n_users: int = USERS,
    seed: int = 1,
) -> list[Visit]:
    """Send visits of full-size alerts to consumers, and report what each got and when.

    Parameters
    ----------
    folder : Path
        Gets log, archive and the consumers' stores; must be new or empty. About 90 kB an alert.
    n_alerts : sequence of int
        Alerts of each visit, one visit after the other.
    to : str
        ``kafka``: consumers in processes of their own, which keep checksums. ``files``: the
        containers of each stream are read again.
    n_consumers, n_users : int
        Full streams with a consumer each; users' filters, each of `USER_ALERTS` alerts at most.
    seed : int

    Returns
    -------
    list of Visit

    Raises
    ------
    DistributionError
        ``LOAD_OPTION``, ``FOLDER_USED``; ``CONSUMER_LOST``, ``CONSUMER_SLOW``; those of the
        distribution.
    """
    if to not in ("kafka", "files") or n_consumers < 1 or n_users < 0 or min(n_alerts) < 1:
        raise wrong("The load test is asked for something senseless.", "LOAD_OPTION")
    if folder.exists() and any(folder.iterdir()):
        raise wrong(f"The folder {folder} of the load test is not empty.", "FOLDER_USED")
    streams = full_streams(n_consumers)
    users = [
        user_stream(f"user-{k:03d}", f"diaSource.snr >= {5.0 + 0.01 * k}", limit=USER_ALERTS)
        for k in range(n_users)
    ]
    with ExitStack() as stack:
        crew: FileCrew | KafkaCrew
        crew = FileCrew(folder, streams) if to == "files" else KafkaCrew(folder, streams, stack)
        return [
            _visit(number, count, folder, crew, users, seed)
            for number, count in enumerate(n_alerts, start=1)
        ]


def _visit(
    number: int,
    count: int,
    folder: Path,
    crew: FileCrew | KafkaCrew,
    users: Sequence[Stream],
    seed: int,
) -> Visit:
    """Send one visit."""
    clock = _Clock()
    images = _paced(number, count, crew, clock, seed)
    report = distribute_night(folder, images, users=users, full=crew.streams, sink=crew.sink())
    report.check()
    log = read_log(folder / LOG)
    mine = log.alert // 10**7 == number
    got = crew.got(number, count)
    of_users = [i for i, name in enumerate(log.streams) if not log.full[i]]
    per_user = [int(np.count_nonzero(mine & (log.stream == i))) for i in of_users]
    return Visit(
        visit=number,
        alerts=count,
        consumers=len(crew.streams),
        received=min(one.alerts for one in got),
        double=sum(one.again for one in got),
        seconds=float(log.acknowledged[mine].max()) - clock.begun,
        bytes=min(one.bytes for one in got),
        users=len(users),
        user_alerts=min(per_user, default=0),
        building=clock.building,
        waiting=clock.waiting,
    )


def _paced(
    number: int, count: int, crew: FileCrew | KafkaCrew, clock: _Clock, seed: int
) -> Iterator[Image]:
    """Build images one after the other, each when there is room for its alerts."""
    sent = 0
    per_image = max(LEAST, min(MOST, count // DETECTORS))
    images = full_size_images(number, count, per_image, seed)
    while True:
        before = time.perf_counter()
        image = next(images, None)
        clock.building += time.perf_counter() - before
        if image is None:
            return
        before = time.perf_counter()
        ahead = sent
        wait(lambda ahead=ahead: crew.room(ahead))  # type: ignore[misc]
        clock.waiting += time.perf_counter() - before
        sent += len(image.ids)
        yield image


def load_table(visits: Sequence[Visit]) -> Table:
    """Return the product `alert_load`."""
    names = {
        "visit": "visit", "nAlert": "alerts", "nConsumers": "consumers", "nReceived": "received",
        "nDouble": "double", "bytes": "bytes", "nUsers": "users", "nUserAlerts": "user_alerts",
    }  # fmt: skip
    table = Table(
        {c: np.array([getattr(v, n) for v in visits], dtype=np.int64) for c, n in names.items()}
    )
    table["seconds"] = np.array([v.seconds for v in visits], dtype=np.float64) * units.s
    return table


def machine() -> str:
    """Return what kind of machine this is, without its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}"
    )


def main(words: Sequence[str] | None = None) -> int:
    """Run a load test and print its numbers as JSON."""
    parser = argparse.ArgumentParser(prog="load", description="Send many full-size alerts.")
    parser.add_argument("--alerts", type=int, nargs="+", default=[10_000])
    parser.add_argument("--to", choices=["kafka", "files"], default="kafka")
    parser.add_argument("--consumers", type=int, default=5)
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(words)
    try:
        found = run_load(
            given.out, given.alerts, to=given.to, n_consumers=given.consumers, n_users=given.users
        )
    except ProductError as error:
        sys.stderr.write(f"{error.code}: {error} {error.hint}\n")
        return error.exit_code
    said = {"machine": machine(), "to": given.to, "visits": [asdict(v) for v in found]}
    sys.stdout.write(json.dumps(said, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
