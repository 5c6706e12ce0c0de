"""Log, archive and files: what is acknowledged, what a rerun sends, what goes wrong."""

from __future__ import annotations

import io
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import fastavro
import numpy as np
import pytest

from skyassay.pipeline.clock.night import Visit
from skyassay.pipeline.distribution.archive import Archive
from skyassay.pipeline.distribution.census import alert_archive
from skyassay.pipeline.distribution.deliveries import Deliveries
from skyassay.pipeline.distribution.distribute import distribute, distribute_night
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.distribution.log import DeliveryLog, read_alerts, read_log
from skyassay.pipeline.distribution.sinks import Delivered
from skyassay.pipeline.distribution.streams import Stream, full_streams, user_stream
from skyassay.pipeline.execution.stopping import StopRequest


class FakeSink:
    """Keeps what it gets; reports each message `lag` calls later, with the code `fate` gives."""

    kind, trouble = "files", "nobody answers"

    def __init__(self, fate=lambda stream, alert: "", lag=1, after=None):
        self.got, self.fate, self.lag, self.after = [], fate, lag, after
        self._queue = []

    def deliver(self, stream, image, chosen, pending):
        for i in pending:
            self.got.append((stream.name, image.ids[i]))
            self._queue.append((stream.name, image.ids[i], image.message(i)))
            if self.after:
                self.after(len(self.got))
            yield

    def reports(self, seconds):
        ready = self._queue[: max(0, len(self._queue) - self.lag)] if not seconds else self._queue
        self._queue = self._queue[len(ready) :]
        return [Delivered(s, a, time.time(), self.fate(s, a)) for s, a, _ in ready]

    def waiting(self):
        return len(self._queue)

    def is_away(self, code):
        return code == "_MSG_TIMED_OUT"

    def close(self):
        self._queue = []


def run(folder, images, sink, streams=None, stop=None, grace=0.2):
    log, archive = DeliveryLog(folder / "log", "files"), Archive(folder / "archive")
    try:
        return distribute(
            images, streams or full_streams(2), sink, log, archive, stop=stop, grace=grace
        )
    finally:
        archive.close()
        log.close("test")


def read(path):
    with path.open("rb") as stream:
        return [record["diaSourceId"] for record in fastavro.reader(stream)]


def test_every_alert_is_in_every_full_stream_and_in_the_filters_it_fits(tmp_path, make):
    images = [
        make.image(1, 0, 3), make.image(1, 1, 2, snr=50.0), make.image(2, 0, 0),
        make.image(2, 1, 4, snr=50.0),
    ]  # fmt: skip
    users = [user_stream("bright", "bright"), user_stream("few", snr=20.0, limit=3)]
    report = distribute_night(tmp_path, images, users=users)
    report.check()
    assert report.complete and (report.images, report.alerts) == (4, 9)
    assert report.streams == {f"alerts-full-{i}": (9, 9) for i in range(1, 6)} | {
        "bright": (6, 6), "few": (5, 5),
    }  # fmt: skip
    for i in range(1, 6):
        assert (tmp_path / f"streams/alerts-full-{i}/1_0.avro").read_bytes() == images[0].data
    assert read(tmp_path / "streams/bright/2_1.avro") == list(images[3].ids)
    assert read(tmp_path / "streams/few/2_1.avro") == list(images[3].ids[:3])
    assert not (tmp_path / "streams/bright/1_0.avro").exists()
    assert not list(tmp_path.rglob("*.tmp"))


def test_full_streams_are_one_file_on_disk(tmp_path, make):
    distribute_night(tmp_path, make.night())
    inodes = {p.stat().st_ino for p in tmp_path.glob("streams/*/1_0.avro")}
    assert len(inodes) == 1


def test_a_rerun_sends_nothing_that_is_acknowledged(tmp_path, make):
    images = make.night()
    first, again = FakeSink(), FakeSink()
    assert run(tmp_path, images, first).complete
    assert sorted(first.got) == sorted(
        (s.name, a) for s in full_streams(2) for image in images for a in image.ids
    )
    report = run(tmp_path, images, again)
    assert report.complete and again.got == [] and report.acknowledged == 0


def test_what_failed_is_counted_and_sent_by_the_rerun(tmp_path, make):
    images = make.night()
    bad = images[1].ids[0]
    sink = FakeSink(lambda s, a: "MSG_SIZE_TOO_LARGE" if a == bad else "")
    report = run(tmp_path, images, sink)
    assert not report.complete and report.failed == {"MSG_SIZE_TOO_LARGE": 2} and report.left == 2
    with pytest.raises(DistributionError, match="2 MSG_SIZE_TOO_LARGE") as caught:
        report.check()
    assert caught.value.code == "NOT_ACKNOWLEDGED"
    log = read_log(tmp_path / "log")
    assert set(log.code[np.isnan(log.acknowledged)]) == {"MSG_SIZE_TOO_LARGE"}
    again = FakeSink()
    assert run(tmp_path, images, again).complete
    assert sorted(again.got) == [(s.name, bad) for s in full_streams(2)]


def test_a_broker_that_is_away_ends_the_session_with_its_name(tmp_path, make):
    images = make.night(visits=4)
    sent = FakeSink(lambda s, a: "" if a < 20_000 else "_MSG_TIMED_OUT")
    report = run(tmp_path, images, sent)
    assert report.ending == "BROKER_AWAY" and report.acknowledged == 12 and report.images < 8
    with pytest.raises(DistributionError, match=r"BROKER_AWAY: .* nobody answers\.") as caught:
        report.check()
    assert caught.value.code == "BROKER_AWAY"
    again = FakeSink()
    assert run(tmp_path, images, again).complete
    assert not {a for _, a in again.got} & {a for image in images[:2] for a in image.ids}
    log = read_log(tmp_path / "log")
    # Offered by the first session, delivered by the second: late by the time between.
    resent = np.isin(log.alert, images[2].ids)
    assert np.all(log.late[resent] > 0) and not log.late[np.isin(log.alert, images[0].ids)].any()
    assert not log.late[np.isin(log.alert, images[-1].ids)].any()


def test_a_request_to_stop_ends_between_alerts_and_loses_nothing(tmp_path, make):
    images, stop = make.night(), StopRequest()
    sink = FakeSink(after=lambda n: stop.ask("SIGTERM") if n == 4 else None)
    report = run(tmp_path, images, sink, stop=stop)
    assert report.ending == "STOPPED" and len(sink.got) == 4 and report.acknowledged == 4
    again = FakeSink()
    assert run(tmp_path, images, again).complete
    assert len(again.got) == 24 - 4 and not set(again.got) & set(sink.got)


def test_reports_that_never_come_do_not_hold_a_stop_for_ever(tmp_path, make):
    class Silent(FakeSink):
        def reports(self, seconds):
            time.sleep(min(seconds, 0.01))
            return []

        def close(self):
            self.closed = True

    stop, sink = StopRequest(), Silent()
    sink.after = lambda n: stop.ask("SIGTERM")
    report = run(tmp_path, make.night(), sink, stop=stop, grace=0.1)
    assert report.ending == "STOPPED" and report.left == 6 and sink.closed


def test_every_code_fault_leaves_the_log_as_it_was_acknowledged(tmp_path, make):
    class Breaks(FakeSink):
        def deliver(self, stream, image, chosen, pending):
            yield from super().deliver(stream, image, chosen, pending)
            if image.visit == 2:
                raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        run(tmp_path, make.night(), Breaks(lag=0))
    log = read_log(tmp_path / "log")
    assert np.isfinite(log.acknowledged[np.isin(log.alert, [10_000, 11_002])]).all()


def test_a_log_without_room_is_a_full_disk(tmp_path, make):
    log, archive = DeliveryLog(tmp_path / "log", "files"), Archive(tmp_path / "archive")
    log._db.execute("PRAGMA max_page_count = 14")
    with pytest.raises(DistributionError) as caught:
        distribute(make.night(count=60, size=10), full_streams(5), FakeSink(), log, archive)
    assert caught.value.code == "DISK_FULL"
    archive.close()
    log.close("DISK_FULL")


@pytest.mark.parametrize(
    ("room", "code"), [(0, "LOG_BROKEN"), (3000, "LOG_BROKEN"), (40_000, "DISK_FULL")]
)
def test_no_room_is_named_and_what_was_acknowledged_stays(tmp_path, make, room, code):
    """No file of this process may grow beyond so many bytes.

    EFBIG is what stands in for a full disk; SQLite calls that a broken disk, and only the real
    thing a full one.
    """
    images = make.night(visits=2, size=60_000)
    distribute_night(tmp_path, images[:1]).check()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(DistributionError) as caught:
            distribute_night(tmp_path, images)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == code
    before = read_log(tmp_path / "delivery.sqlite3")
    done = np.isin(before.alert, images[0].ids)
    assert np.isfinite(before.acknowledged[done]).all()
    assert not list(tmp_path.rglob("*.tmp"))
    distribute_night(tmp_path, images).check()
    archive = Archive(tmp_path / "archive")
    census = alert_archive(tmp_path / "delivery.sqlite3", archive)
    archive.close()
    assert len(census) == 12
    assert all(census[name].all() for name in ("sent", "archived", "identical"))


CODE = """
import sys, time, pathlib
from skyassay.pipeline.distribution.distribute import distribute_night
from skyassay.pipeline.distribution.images import Image
def images():
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        visit, detector = map(int, path.stem.split("_"))
        yield Image(visit, detector, path.read_bytes())
        print(path.stem, flush=True)
        time.sleep(float(sys.argv[3]))
print(distribute_night(pathlib.Path(sys.argv[2]), images()).ending)
"""


def begin(tmp_path, images, pause):
    """Distribute in another process, which prints each image that is done."""
    folder = tmp_path / "containers"
    folder.mkdir(exist_ok=True)
    for image in images:
        (folder / image.name).write_bytes(image.data)
    command = [sys.executable, "-c", CODE, str(folder), str(tmp_path / "out"), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_loses_nothing_that_was_acknowledged(tmp_path, make):
    """Killed twice, at moments of its own; what a file of a stream holds is whole."""
    images = make.night(visits=6, detectors=2, count=4)
    got = -1
    for pause in (0.0, 0.004):
        process = begin(tmp_path, images, 0.0)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        process.kill()
        process.communicate()
        log = read_log(tmp_path / "out/delivery.sqlite3")
        acknowledged = int(np.isfinite(log.acknowledged).sum())
        assert acknowledged >= max(got, 1)
        got = acknowledged
        for i in np.flatnonzero(np.isfinite(log.acknowledged)):
            image = next(m for m in images if log.alert[i] in m.ids)
            path = tmp_path / "out/streams" / log.streams[log.stream[i]] / image.name
            assert path.read_bytes() == image.data
    report = distribute_night(tmp_path / "out", images)
    assert report.complete and report.acknowledged == 240 - got
    archive = Archive(tmp_path / "out/archive")
    census = alert_archive(tmp_path / "out/delivery.sqlite3", archive)
    archive.close()
    assert len(census) == 48 and census["identical"].all() and census["sent"].all()


def test_sigterm_ends_a_real_process_in_order_and_the_rerun_completes(tmp_path, make):
    images = make.night(visits=3)
    process = begin(tmp_path, images, 0.3)
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["1_0", "1_1"]
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and rest.split()[-1] == "STOPPED"
    got = np.isfinite(read_log(tmp_path / "out/delivery.sqlite3").acknowledged).sum()
    assert 30 <= got < 90
    report = distribute_night(tmp_path / "out", images)
    assert report.complete and report.acknowledged == 90 - got


def test_only_one_process_writes_a_log(tmp_path):
    log = DeliveryLog(tmp_path / "log", "files")
    with pytest.raises(DistributionError) as caught:
        DeliveryLog(tmp_path / "log", "files")
    assert caught.value.code == "LOG_IN_USE"
    log.close("DONE")
    with pytest.raises(DistributionError) as caught:
        DeliveryLog(tmp_path / "log", "kafka")
    assert (caught.value.code, caught.value.exit_code) == ("LOG_OF_ANOTHER", 4)
    DeliveryLog(tmp_path / "log", "files").close("DONE")
    db = sqlite3.connect(tmp_path / "log")
    assert db.execute("SELECT ending FROM session").fetchall() == [("DONE",), ("DONE",)]
    db.close()


def test_errors_of_logs_have_names(tmp_path, make):
    for read_it in (read_log, read_alerts):
        with pytest.raises(DistributionError) as caught:
            read_it(tmp_path / "absent")
        assert (caught.value.code, caught.value.exit_code) == ("LOG_ABSENT", 4)
    (tmp_path / "broken").write_bytes(os.urandom(5000))
    for open_it in (read_log, lambda path: DeliveryLog(path, "files")):
        with pytest.raises(DistributionError) as caught:
            open_it(tmp_path / "broken")
        assert caught.value.code == "LOG_BROKEN"


def test_a_stream_may_not_become_another(tmp_path, make):
    run(tmp_path, [], FakeSink(), [user_stream("mine", "bright")])
    with pytest.raises(DistributionError, match=r"'diaSource\.snr >= 20' before") as caught:
        run(tmp_path, [], FakeSink(), [user_stream("mine", "new")])
    assert (caught.value.code, caught.value.exit_code) == ("STREAM_CHANGED", 4)
    with pytest.raises(DistributionError, match="before"):
        run(tmp_path, [], FakeSink(), [Stream("mine")])


def test_an_alert_that_was_sent_may_not_change(tmp_path, make):
    run(tmp_path, [make.image(1, 0)], FakeSink())
    with pytest.raises(DistributionError) as caught:
        run(tmp_path, [make.image(1, 0, snr=11.0)], FakeSink())
    assert caught.value.code == "ALERT_CHANGED"


def test_an_empty_log_is_arrays_of_no_rows(tmp_path):
    run(tmp_path, [], FakeSink())
    log = read_log(tmp_path / "log")
    assert isinstance(log, Deliveries) and log.alert.size == 0 and log.full == (True, True)
    assert read_alerts(tmp_path / "log") == []


def test_a_subset_is_a_container_of_the_same_bytes(make):
    image = make.image(3, 4, 5)
    found = list(fastavro.reader(io.BytesIO(image.subset([1, 3]))))
    assert [record["diaSourceId"] for record in found] == [image.ids[1], image.ids[3]]
    assert image.subset(range(5)) == image.data
    assert list(fastavro.reader(io.BytesIO(image.subset([])))) == []


def test_the_clock_reads_the_log(tmp_path, make):
    """From containers to the tables of a night, with nothing in between."""
    from astropy.table import Table

    from skyassay.pipeline.clock.night import packets_of
    from skyassay.pipeline.clock.parameters import Parameters
    from skyassay.pipeline.clock.tables import night_tables

    images = make.night()
    distribute_night(tmp_path, images).check()
    quanta = [("isr", i.visit, i.detector, "SUCCESS", 5.0, "") for i in images]
    names = ("label", "visit", "detector", "status", "seconds", "code")
    visits = [Visit(v, "i", 61000.0 + v / 1000, 30.0, (0, 1)) for v in (1, 2)]
    tables = night_tables(
        [Table(rows=quanta, names=names)], visits, packets_of(images),
        read_log(tmp_path / "delivery.sqlite3"), Parameters(chain=("isr",), serial=()),
    )  # fmt: skip
    alerts = tables.alert_delivery
    assert len(alerts) == 12 and alerts["delivered"].all() and set(alerts["nStreams"]) == {5}
    late = (alerts["handedMjdTai"] - alerts["readoutEndMjdTai"]) * 86400
    assert np.all((late > 7.0) & (late < 7.2))
