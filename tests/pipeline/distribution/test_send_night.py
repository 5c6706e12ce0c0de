"""The alerts of a night in a repository, to a broker and to a consumer that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from lsst.daf.butler import Butler, CollectionType, Timespan

from skyassay.pipeline import night as night_module
from skyassay.pipeline.clock.parameters import Parameters
from skyassay.pipeline.distribution.deliveries import read_log
from skyassay.pipeline.distribution.distribute import LOG
from skyassay.pipeline.distribution.kafka import KafkaSink
from skyassay.pipeline.distribution.mock import mock_broker
from skyassay.pipeline.distribution.store import stored
from skyassay.pipeline.night import PACKETS, SUMMARY, Night, send_night
from skyassay.pipeline.repository import create, names
from skyassay.pipeline.repository.errors import RepositoryError

DAY, MJD = 20260122, 61062.1
CONSUMER = [sys.executable, "-m", "skyassay.pipeline.distribution.consumer"]
COUNT = 25


@pytest.fixture(scope="module")
def repo(tmp_path_factory, make):
    """A repository with two visits of three detectors: packets, and what their quanta cost."""
    root = tmp_path_factory.mktemp("night") / "repo"
    butler = create.create(root, "tiny")
    run = f"{names.PROMPT}/1"
    butler.collections.register(run)
    butler.collections.register(names.PROMPT, CollectionType.CHAINED)
    butler.collections.redefine_chain(names.PROMPT, [run])
    sync = butler.registry.syncDimensionData
    sync("day_obs", {"instrument": "SimCam", "id": DAY})
    kind = create.register_type(
        butler, PACKETS, ("instrument", "visit", "detector"), "AlertPackets"
    )
    rows = []
    for k in (1, 2):
        begin = MJD + k * 39.0 / 86400.0
        span = Timespan(*(Time(t, format="mjd", scale="tai") for t in (begin, begin + 30 / 86400)))
        common = {
            "instrument": "SimCam", "id": k, "physical_filter": "r_sim", "day_obs": DAY,
            "timespan": span, "exposure_time": 30.0,
        }  # fmt: skip
        sync("group", {"instrument": "SimCam", "name": str(k)})
        more = {"obs_id": str(k), "group": str(k), "observation_type": "science"}
        sync("exposure", common | more)
        sync("visit", common | {"name": str(k)})
        for detector in range(3):
            data = make.image(k, detector, COUNT, size=4000).data
            butler.put(data, kind, instrument="SimCam", visit=k, detector=detector, run=run)
            rows += [(task, k, detector, "SUCCESS", 1.0, "") for task in Parameters().chain]
    summary = create.register_type(butler, SUMMARY, ("instrument",), "ArrowAstropy")
    butler.put(_summary(rows), summary, instrument="SimCam", run=run)
    return root


def _summary(rows) -> Table:
    columns = zip(*rows, strict=True)
    heads = ("label", "visit", "detector", "status", "seconds", "code")
    return Table(
        {name: MaskedColumn(list(values)) for name, values in zip(heads, columns, strict=True)}
    )


def test_a_killed_consumer_has_every_alert_of_the_night_once(repo, tmp_path, monkeypatch) -> None:
    """The kill falls between the third image and the fourth: there is more to come."""
    total, read, held = 6 * COUNT, night_module._images, threading.Event()

    def slowly(*words):
        for number, image in enumerate(read(*words)):
            if number == 3:
                assert held.wait(60)
            yield image

    def kill(process):
        end = time.monotonic() + 50.0
        while stored(tmp_path / "store").alerts < 5 and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        held.set()

    monkeypatch.setattr(night_module, "_images", slowly)
    with mock_broker() as (bootstrap, _):
        words = ["--bootstrap", bootstrap, "--topic", "alerts-full-1", "--out"]
        words += [str(tmp_path / "store"), "--batch", "5"]
        first = subprocess.Popen([*CONSUMER, *words], stdout=subprocess.PIPE)
        killer = threading.Thread(target=kill, args=(first,))
        killer.start()
        night = Night(DAY, tmp_path / "sent", sink=KafkaSink(bootstrap, patience=20.0))
        report = send_night(repo, night)
        killer.join()
        before = stored(tmp_path / "store").alerts
        assert first.returncode == -signal.SIGKILL
        assert 5 <= before < total
        done = subprocess.run(
            [*CONSUMER, *words, "--until", str(total)], capture_output=True, check=True, timeout=60
        )
    assert report.complete
    assert report.streams["alerts-full-1"] == (total, total)
    log = read_log(night.folder / LOG)
    mine = log.stream == list(log.streams).index("alerts-full-1")
    assert int(np.isfinite(log.acknowledged[mine]).sum()) == total
    said = json.loads(done.stdout)
    assert said["alerts"] == total
    assert said["again"] <= 5, "at most a batch comes again"


def test_the_night_is_in_the_repository_after_it_is_sent(repo, tmp_path) -> None:
    for _ in range(2):  # a rerun sends nothing and enters the same tables
        report = send_night(repo, Night(DAY, tmp_path / "sent"))
        assert report.complete
    butler = Butler.from_config(str(repo))
    night = {
        name: butler.get(name, instrument="SimCam", collections=names.NIGHT)
        for name in ("night_detector", "alert_delivery", "alert_stream", "alert_archive")
    }
    assert set(night["night_detector"]["status"]) >= {"DONE"}
    assert len(night["alert_delivery"]) == len(night["alert_archive"]) == 6 * COUNT
    assert np.asarray(night["alert_delivery"]["delivered"]).all()
    assert np.asarray(night["alert_archive"]["identical"]).all()
    assert (np.asarray(night["alert_stream"]["nDelivered"]) == 3 * COUNT).all()
    assert len(night["alert_stream"]) == 2 * 5


def test_a_day_without_frames_is_named(repo, tmp_path) -> None:
    with pytest.raises(RepositoryError) as error:
        send_night(repo, Night(20260123, tmp_path / "sent"))
    assert (error.value.code, error.value.exit_code) == ("no_night", 4)
