"""Over Kafka's protocol: a broker, a producer and a consumer, each in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from skyassay.pipeline.distribution import consumer as consumer_module
from skyassay.pipeline.distribution.distribute import distribute_night
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.distribution.kafka import KafkaSink
from skyassay.pipeline.distribution.log import read_alerts, read_log
from skyassay.pipeline.distribution.mock import mock_broker
from skyassay.pipeline.distribution.store import Store, stored
from skyassay.pipeline.distribution.streams import Stream, user_stream

CONSUMER = [sys.executable, "-m", "skyassay.pipeline.distribution.consumer"]


@pytest.fixture(scope="module")
def broker():
    """A broker that nobody harms; every test has topics of its own."""
    with mock_broker() as (bootstrap, process):
        yield bootstrap, process


@pytest.fixture
def own_broker():
    with mock_broker() as (bootstrap, process):
        yield bootstrap, process


@pytest.fixture
def start():
    """Start consumers; none outlives the test."""
    running = []

    def begin(bootstrap, topic, folder, *options):
        words = ["--bootstrap", bootstrap, "--topic", topic, "--out", str(folder), *options]
        running.append(subprocess.Popen(CONSUMER + words, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def wait_for(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this should have happened by now"
        time.sleep(0.02)


def sink(bootstrap, patience=20.0):
    return KafkaSink(bootstrap, patience=patience)


def test_a_consumer_killed_in_the_middle_loses_and_doubles_nothing(tmp_path, make, broker, start):
    """The alerts are sent in two halves; the kill falls between the store and the second."""
    images = make.night(visits=10, detectors=2, count=20, size=5000)
    first = start(broker[0], "alerts-full-1", tmp_path / "store", "--batch", "7")
    held = threading.Event()

    def slowly():
        for k, image in enumerate(images):
            if k == len(images) // 2:
                held.wait(30)
            yield image

    def kill():
        wait_for(lambda: stored(tmp_path / "store").alerts >= 50)
        first.send_signal(signal.SIGKILL)
        first.wait()
        held.set()

    killer = threading.Thread(target=kill)
    killer.start()
    users = [user_stream("bright", "bright")]
    report = distribute_night(tmp_path / "out", slowly(), users=users, full=1, sink=sink(broker[0]))
    killer.join()
    assert first.returncode == -signal.SIGKILL
    report.check()
    before = stored(tmp_path / "store")
    assert 50 <= before.alerts < 400
    second = start(broker[0], "alerts-full-1", tmp_path / "store")
    wait_for(lambda: stored(tmp_path / "store").alerts >= 400)
    # It would go on waiting for alerts: SIGTERM ends it in order.
    second.send_signal(signal.SIGTERM)
    said, _ = second.communicate(timeout=30)
    assert second.returncode == 0
    log = read_log(tmp_path / "out/delivery.sqlite3")
    acknowledged = log.alert[np.isfinite(log.acknowledged)]
    assert report.streams == {"alerts-full-1": (400, 400), "bright": (0, 0)}
    assert json.loads(said)["alerts"] == len(acknowledged) == 400
    # The second went on where the first had committed: at most a batch came again.
    assert json.loads(said)["again"] <= 7
    store = Store(tmp_path / "store")
    by_id = {alert: image.message(i) for image in images for i, alert in enumerate(image.ids)}
    assert {alert: store.get(alert) for alert in acknowledged.tolist()} == by_id
    store.close()
    assert (
        sum(size for *_, size, _ in read_alerts(tmp_path / "out/delivery.sqlite3"))
        == (json.loads(said)["bytes"])
    )


def test_a_broker_that_comes_back_in_time_costs_nothing(tmp_path, make, own_broker):
    """It is stopped while alerts are under way, and goes on a second later."""
    images = make.night(visits=4, detectors=2, count=5)

    def pausing():
        for k, image in enumerate(images):
            if k == 3:
                own_broker[1].send_signal(signal.SIGSTOP)
                timer = threading.Timer(1.0, own_broker[1].send_signal, [signal.SIGCONT])
                timer.start()
            yield image

    report = distribute_night(tmp_path / "out", pausing(), sink=sink(own_broker[0]))
    assert report.complete and report.failed == {} and report.acknowledged == 200


def test_a_broker_that_stays_away_is_named_and_the_rerun_completes(tmp_path, make, own_broker):
    images = make.night(visits=15, detectors=2, count=5)
    log = tmp_path / "out/delivery.sqlite3"

    def dying():
        # The distributor hears of acknowledgements between images only: it is not waited for.
        killed = None
        for k, image in enumerate(images):
            if killed is None and k > 2 and np.isfinite(read_log(log).acknowledged).sum() >= 50:
                own_broker[1].kill()
                killed = k
            if killed is not None and k == killed + 2:
                time.sleep(1.5)
            yield image

    report = distribute_night(tmp_path / "out", dying(), sink=sink(own_broker[0], patience=1.0))
    assert report.ending == "BROKER_AWAY" and report.failed["BROKER_AWAY"] > 0
    assert 50 <= report.acknowledged < 750
    with pytest.raises(DistributionError, match=r"BROKER_AWAY: \d+ images.*refused") as caught:
        report.check()
    assert caught.value.code == "BROKER_AWAY"
    with mock_broker() as (other, _):
        again = distribute_night(tmp_path / "out", images, sink=sink(other))
        assert again.complete and again.acknowledged == 750 - report.acknowledged


def test_errors_of_kafka_have_names(tmp_path, make, broker, capfd):
    with pytest.raises(DistributionError) as caught:
        KafkaSink(broker[0], options={"no.such.option": 1})
    assert (caught.value.code, caught.value.exit_code) == ("KAFKA_OPTION", 4)
    big = make.image(1, 0, 1, size=3_000_000)
    narrow = KafkaSink(broker[0], options={"message.max.bytes": 1_000_000})
    report = distribute_night(
        tmp_path / "out", [big, make.image(1, 1)], full=[Stream("big")], sink=narrow
    )
    assert report.failed == {"MSG_SIZE_TOO_LARGE": 1} and report.acknowledged == 3


def test_a_store_knows_doubles_and_refuses_what_is_no_alert(tmp_path, make):
    image = make.image(1, 0, 3)
    messages = [(str(a).encode(), image.message(i)) for i, a in enumerate(image.ids)]
    store = Store(tmp_path)
    with pytest.raises(DistributionError) as caught:
        Store(tmp_path)
    assert caught.value.code == "STORE_IN_USE"
    store.put(messages[:2])
    store.put(messages)
    assert store.count == 3
    found = stored(tmp_path)
    assert (found.alerts, found.again) == (3, 2)
    assert found.bytes == sum(image.sizes)
    bad = [(b"5", messages[0][1]), (None, messages[0][1]), (messages[0][0], None), (b"x", b"0" * 9)]
    for one in bad:
        with pytest.raises(DistributionError) as caught:
            store.put([one])
        assert caught.value.code == "BAD_MESSAGE"
    store.close()
    assert stored(tmp_path / "absent").alerts == 0


def test_the_consumer_says_what_is_wrong(tmp_path, broker, capfd, monkeypatch):
    monkeypatch.setattr(consumer_module, "Stopping", lambda: None)
    words = ["--bootstrap", "localhost:1", "--topic", "t", "--out", str(tmp_path)]
    assert consumer_module.main([*words, "--option", "x"]) == 4
    assert capfd.readouterr().err.startswith("KAFKA_OPTION: ")
    real = consumer_module.open_consumer
    monkeypatch.setattr(consumer_module, "open_consumer", lambda *a: real(*a, timeout=0.5))
    assert consumer_module.main(words) == 3
    assert "BROKER_AWAY: The broker localhost:1 does not answer" in capfd.readouterr().err
