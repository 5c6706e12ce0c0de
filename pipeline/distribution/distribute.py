"""Send the alerts of a night: archive, streams, delivery log."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from skyassay.pipeline.distribution.archive import Archive
from skyassay.pipeline.distribution.chooser import Chooser
from skyassay.pipeline.distribution.errors import BROKER_AWAY, DistributionError
from skyassay.pipeline.distribution.images import Image
from skyassay.pipeline.distribution.log import DeliveryLog
from skyassay.pipeline.distribution.sinks import Delivered, FileSink, Sink
from skyassay.pipeline.distribution.streams import Stream, check_names, full_streams
from skyassay.pipeline.execution.stopping import StopRequest, stop_on_signals
from skyassay.pipeline.products.errors import ProductError

#: After a request to stop, or when the broker is away, what is under way gets this long, s.
GRACE = 5.0
_BATCH, _WAIT = 500, 0.1
LOG, ARCHIVE, STREAMS = "delivery.sqlite3", "archive", "streams"


@dataclass(frozen=True)
class Report:
    """What a session did.

    Attributes
    ----------
    ending : str
        ``DONE``; ``STOPPED`` by a signal, or ``BROKER_AWAY``, before everything was offered.
    images, alerts : int
        Offered in this session.
    acknowledged : int
        Deliveries (an alert in a stream) acknowledged in this session.
    failed : mapping of str to int
        Code -> deliveries reported as failed in this session.
    streams : mapping
        Stream -> (alerts that it is to get, those that it acknowledged), over all sessions.
    trouble : str
        What the broker or the connection to it complained of, where it is away.
    """

    ending: str
    images: int
    alerts: int
    acknowledged: int
    failed: dict[str, int]
    streams: dict[str, tuple[int, int]] = field(default_factory=dict)
    trouble: str = ""

    @property
    def left(self) -> int:
        """Deliveries that were offered and not acknowledged, over all sessions."""
        return sum(asked - got for asked, got in self.streams.values())

    @property
    def complete(self) -> bool:
        """Whether everything was offered and acknowledged."""
        return self.ending == "DONE" and self.left == 0

    def statement(self) -> str:
        """Return one sentence."""
        codes = ", ".join(f"{n} {code}" for code, n in sorted(self.failed.items()))
        trouble = f" The broker: {self.trouble}." if self.trouble else ""
        return (
            f"{self.ending}: {self.images} images, {self.alerts} alerts, {self.acknowledged} "
            f"deliveries acknowledged, {self.left} not{f' ({codes})' if codes else ''}.{trouble}"
        )

    def check(self) -> None:
        """Raise what stood in the way.

        Raises
        ------
        DistributionError
            ``BROKER_AWAY``, ``STOPPED``, ``NOT_ACKNOWLEDGED``.
        """
        if self.complete:
            return
        code = "NOT_ACKNOWLEDGED" if self.ending == "DONE" else self.ending
        raise DistributionError(
            f"Not every alert was delivered. {self.statement()}",
            code=code,
            hint="Run the same again: it sends only what is not acknowledged.",
        )


def distribute(
    images: Iterable[Image],
    streams: Sequence[Stream],
    sink: Sink,
    log: DeliveryLog,
    archive: Archive,
    *,
    stop: StopRequest | None = None,
    grace: float = GRACE,
) -> Report:
    """Archive images' alerts, send them to streams and note what was acknowledged.

    Parameters
    ----------
    images : iterable of Image
        In time order; a rerun gives the same again.
    streams : sequence of Stream
    sink : Sink
    log : DeliveryLog
    archive : Archive
    stop : StopRequest, optional
        Looked at between alerts.
    grace : float
        s.

    Raises
    ------
    DistributionError
        Those of the parts; what was acknowledged until then is in the log.
    """
    check_names(streams)
    log.register(streams)
    session = _Session(streams, sink, log, archive, stop or StopRequest(), grace)
    try:
        try:
            for image in images:
                if session.halted:
                    break
                session.send(image)
            session.drain()
        finally:
            session.write()
        return session.report()
    finally:
        sink.close()


class _Session:
    """One walk over the images."""

    def __init__(
        self,
        streams: Sequence[Stream],
        sink: Sink,
        log: DeliveryLog,
        archive: Archive,
        stop: StopRequest,
        grace: float,
    ) -> None:
        self.streams, self.sink, self.log, self.archive = streams, sink, log, archive
        self.stop, self.grace = stop, grace
        self.away = self.cut = False
        self.images = self.alerts = self.acknowledged = 0
        self.failed: Counter[str] = Counter()
        self._unwritten: list[Delivered] = []
        self._chooser = Chooser(streams)

    @property
    def halted(self) -> bool:
        """Whether to begin nothing new."""
        if self.stop.asked or self.away:
            self.cut = True
        return self.cut

    def send(self, image: Image) -> None:
        """Archive and offer one image, and hand its alerts to the sink."""
        self.archive.store(image)
        chosen = self._chooser(image)
        self.log.offer(image, chosen.items())
        pending = self.log.pending(image)
        self.images += 1
        self.alerts += len(image.ids)
        for stream in self.streams:
            left = pending.get(stream.name, set())
            indices = [i for i in chosen[stream.name] if image.ids[i] in left]
            if not indices:
                continue
            for _ in self.sink.deliver(stream, image, chosen[stream.name], indices):
                self.collect(0.0)
                if self.halted:
                    return
        self.collect(0.0)
        self.write()

    def collect(self, seconds: float) -> None:
        """Take what reports there are."""
        for report in self.sink.reports(seconds):
            if report.code and self.sink.is_away(report.code):
                self.away = True
                report = replace(report, code=BROKER_AWAY)
            if report.code:
                self.failed[report.code] += 1
            else:
                self.acknowledged += 1
            self._unwritten.append(report)
        if len(self._unwritten) >= _BATCH:
            self.write()

    def write(self) -> None:
        """Put the reports into the log."""
        reports, self._unwritten = self._unwritten, []
        self.log.note(reports)

    def drain(self) -> None:
        """Wait for the reports of what is under way: every message gets one in the end."""
        end: float | None = None
        while self.sink.waiting() and (end is None or time.monotonic() < end):
            self.collect(_WAIT)
            if end is None and (self.stop.asked or self.away):
                end = time.monotonic() + self.grace
        self.collect(0.0)

    def report(self) -> Report:
        """Return what was done."""
        ending = "DONE"
        if self.away:
            ending = BROKER_AWAY
        elif self.cut or self.sink.waiting():
            ending = "STOPPED"
        return Report(
            ending=ending,
            images=self.images,
            alerts=self.alerts,
            acknowledged=self.acknowledged,
            failed=dict(self.failed),
            streams=self.log.counts(),
            trouble=self.sink.trouble if self.away else "",
        )


def distribute_night(
    folder: Path,
    images: Iterable[Image],
    *,
    users: Sequence[Stream] = (),
    full: int | Sequence[Stream] = 5,
    sink: Sink | None = None,
    grace: float = GRACE,
) -> Report:
    """Distribute a night into a folder, or to another sink with log and archive in the folder.

    SIGTERM and SIGINT end it in order: what is under way is waited for, and logged.

    Parameters
    ----------
    folder : Path
        Gets ``delivery.sqlite3``, ``archive`` and, without another sink, ``streams``.
    images : iterable of Image
        In time order.
    users : sequence of Stream
        Users' filters, see `streams.user_stream`.
    full : int or sequence of Stream
        The full streams or their number.
    sink : Sink, optional
        For example `kafka.KafkaSink`.
    grace : float
        s.

    Returns
    -------
    Report
        Also where the broker was away or a signal came; see `Report.check`.

    Raises
    ------
    DistributionError
        Where nothing more can be done, as ``DISK_FULL``; what was acknowledged is in the log.
    """
    streams = [*(full_streams(full) if isinstance(full, int) else full), *users]
    check_names(streams)
    target: Sink = FileSink(folder / STREAMS) if sink is None else sink
    log = DeliveryLog(folder / LOG, target.kind)
    try:
        archive = Archive(folder / ARCHIVE)
        try:
            with stop_on_signals() as stop:
                report = distribute(images, streams, target, log, archive, stop=stop, grace=grace)
        finally:
            archive.close()
    except BaseException as error:
        # What went wrong first is what is told, also where the log cannot be written either.
        with contextlib.suppress(ProductError):
            log.close(str(getattr(error, "code", type(error).__name__)))
        raise
    log.close(report.ending)
    return report
