"""Real packets of the public alert stream."""

import io
import json

import numpy as np
import pytest
from astropy.io import fits

from skyassay.verify.alerts.content import load
from skyassay.verify.alerts.decode import packets
from skyassay.verify.alerts.stamps import Stamp, examine
from skyassay.verify.cli import main
from skyassay.verify.tables import open_tables

pytestmark = pytest.mark.real


@pytest.fixture
def folder(real_data):
    return real_data / "alerts"


def test_what_they_hold(folder):
    source = open_tables({"alerts": folder})
    (part,) = source.partitions({"alert": source.columns("alert")}, "row", 1)
    rows = part["alert"]
    assert rows["diaSourceId"].tolist() == [
        170239611403501617,
        170239611403501631,
        170239611403501655,
        170239611403501681,
    ]
    assert set(rows["visit"]) == {2026040700201}
    assert set(rows["schemaVersion"]) == {"10.0"}
    assert rows["nPrvDiaSources"].tolist() == [9, 0, 0, 686]
    # The object's own count has the new source among them.
    assert (rows["nDiaSources"] == rows["nPrvDiaSources"] + 1).all()
    assert rows["nCutoutsSound"].tolist() == [3, 3, 3, 3]
    assert (rows["hasDiaObject"] & ~rows["hasSsSource"]).all()
    seconds = (rows["timeProcessedMjdTai"] - rows["midpointMjdTai"]) * 86400
    np.testing.assert_allclose(seconds, 126.0, atol=1.0)
    older = rows["newestPrvMjdTai"] < rows["midpointMjdTai"]
    assert older[rows["nPrvDiaSources"] > 0].all()
    # Neither the exposure's length nor the end of readout is in them.
    assert not {"exposureTime", "readoutEndMjdTai", "handedMjdTai"} & set(rows)


def test_their_sources(folder):
    source = open_tables({"alerts": folder})
    needs = ("diaSourceId", "psfFlux", "psfFluxErr", "snr", "apFlux", "reliability", "x", "y")
    (part,) = source.partitions({"dia_source": needs}, "row", 1)
    rows = part["dia_source"]
    assert rows["psfFlux"][0] == pytest.approx(3364.194, abs=1e-3)
    assert rows["reliability"].min() > 0.5
    assert len(source.columns("dia_source")) > 80


def test_their_cutouts(folder):
    for path in sorted(folder.glob("*.gz")):
        data, packed = load(path)
        assert packed
        (packet,) = packets(data)
        for name in ("Difference", "Science", "Template"):
            assert examine(packet.record[f"cutout{name}"]) == Stamp(30, True)
        # What our own cutouts keep to.
        with fits.open(io.BytesIO(packet.record["cutoutDifference"])) as hdus:
            header, image = hdus[0].header, hdus[0].data.astype(float)
        source = packet.record["diaSource"]
        for axis, name in (("1", "x"), ("2", "y")):
            place = header[f"CRPIX{axis}"] + header[f"CUTMIN{name.upper()}"]
            assert place == pytest.approx(source[name], abs=2e-3)
        peak = np.clip(image * np.sign(source["psfFlux"]), 0, None)[10:20, 10:20] ** 2
        y, x = np.mgrid[11:21, 11:21]
        assert (peak * x).sum() / peak.sum() == pytest.approx(header["CRPIX1"], abs=0.5)
        assert (peak * y).sum() / peak.sum() == pytest.approx(header["CRPIX2"], abs=0.5)


def test_they_are_measured(folder, capsys):
    with pytest.raises(SystemExit):
        main(["measure", "--table", f"alerts={folder}", "--store", "none", "--format", "json"])
    shown = json.loads(capsys.readouterr().out)
    assert shown["measurements"]
    inputs = open_tables({"alerts": folder}).identity()
    assert inputs["alert"]["rows"] == inputs["dia_source"]["rows"] == 4
