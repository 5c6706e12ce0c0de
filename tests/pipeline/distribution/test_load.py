"""The load test itself, small: what it counts is what consumers have."""

from __future__ import annotations

import io
import json

import fastavro
import numpy as np
import pytest
from astropy.io import fits

from skyassay.pipeline.alerts.schema import newest
from skyassay.pipeline.distribution import load
from skyassay.pipeline.distribution.errors import DistributionError
from skyassay.pipeline.distribution.full_size import HISTORY, SIDE, full_size_images
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.io import to_arrow


def test_packets_are_of_full_size():
    images = list(full_size_images(3, 7, 4))
    assert [len(image.ids) for image in images] == [4, 3]
    assert [i for image in images for i in image.ids] == [30_000_000 + k for k in range(7)]
    for record in fastavro.reader(io.BytesIO(images[0].data)):
        assert len(record["prvDiaSources"]) == len(record["prvDiaForcedSources"]) == HISTORY
        assert None not in (record["diaObject"]["nDiaSources"], record["diaSource"]["snr"])
        for name in ("cutoutDifference", "cutoutScience", "cutoutTemplate"):
            with fits.open(io.BytesIO(record[name])) as hdus:
                assert hdus[0].data.shape == (SIDE, SIDE) and len(hdus) == 3
    assert min(images[0].sizes) > 60_000
    again = list(full_size_images(3, 7, 4))
    assert [image.data for image in again] == [image.data for image in images]
    assert fastavro.schema.fullname(dict(newest().definition)) == "lsst.v11_1.alert"


def test_five_consumers_get_everything_over_kafka(tmp_path):
    visits = load.run_load(tmp_path / "out", (60, 30), n_consumers=5, n_users=2)
    assert [(v.visit, v.alerts, v.consumers) for v in visits] == [(1, 60, 5), (2, 30, 5)]
    assert [(v.received, v.double) for v in visits] == [(60, 0), (30, 0)]
    assert all(v.users == 2 and 1 <= v.user_alerts <= load.USER_ALERTS for v in visits)
    assert all(0 < v.building < v.seconds for v in visits)
    table = load.load_table(visits)
    columns = {c: np.asarray(table[c]) for c in table.colnames}
    assert set(columns) == set(product("alert_load").columns)
    assert to_arrow(product("alert_load"), columns).num_rows == 2


def test_files_hold_everything_too(tmp_path, capsys):
    words = ["--to", "files", "--alerts", "40", "--users", "1", "--out", str(tmp_path / "out")]
    assert load.main(words) == 0
    said = json.loads(capsys.readouterr().out)
    (visit,) = said["visits"]
    assert (visit["received"], visit["double"], visit["consumers"]) == (40, 0, 5)
    assert visit["bytes"] > 40 * 60_000
    assert load.main(words) == 4
    assert capsys.readouterr().err.startswith("FOLDER_USED: ")


def test_senseless_loads_and_slow_consumers_are_named(tmp_path):
    for wrong in ({"to": "nowhere"}, {"n_consumers": 0}, {"n_alerts": (0,)}):
        with pytest.raises(DistributionError) as caught:
            load.run_load(tmp_path / "out", **wrong)
        assert (caught.value.code, caught.value.exit_code) == ("LOAD_OPTION", 4)
    with pytest.raises(DistributionError) as caught:
        load.wait(lambda: False, patience=0.01)
    assert caught.value.code == "CONSUMER_SLOW"


def test_the_machine_has_no_name():
    import platform

    assert platform.node() not in load.machine() and "cores" in load.machine()
