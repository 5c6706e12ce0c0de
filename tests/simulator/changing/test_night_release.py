"""A night on disk: complete, repeatable, the same for any number of processes."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.instrument.raw import read_header, read_raw
from skyassay.simulator.changing.maker import NightObservatory
from skyassay.simulator.changing.night import NIGHTS, NightSize, night_order, night_size
from skyassay.simulator.changing.release import simulate_night
from skyassay.simulator.changing.terms import ChangingSky
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.release import simulate_frames
from skyassay.simulator.presets import preset


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    return simulate_night("tiny", 5, tmp_path_factory.mktemp("one"), workers=1)


def table(release, name):
    return pq.read_table(release.products[name]).to_pandas()


def test_every_file_is_there_and_is_what_the_manifest_says(done):
    assert len(done.raws) == 2 * 2 * 3
    assert json.loads((done.directory / "manifest.json").read_text()) == done.manifest
    files = done.manifest["files"]
    for name, entry in files.items():
        content = (done.directory / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    on_disk = {p.relative_to(done.directory).as_posix() for p in done.directory.rglob("*.*")}
    assert on_disk - {"manifest.json"} == set(files)
    assert "orbits/mpcorb.parquet" in files
    for name in ("dia_source", "injected_source", "ss_object", "visit", "visit_detector", "source"):
        assert f"truth/truth_{name}.parquet" in files


def test_injected_frames_are_the_same_visits_with_other_noise(done):
    raws = [p for p in done.raws if "injected" not in p.parts]
    copies = {p.name: p for p in done.raws if "injected" in p.parts}
    assert len(raws) == len(copies) == 6
    for path in raws:
        one, two = read_raw(path), read_raw(copies[path.name])
        assert one.header == two.header
        pixels = [r.amps[0][20:240, 30:240].astype(float) for r in (one, two)]
        quiet = np.abs(pixels[0] - np.median(pixels[0])) < 60.0
        noise = [np.std(p[quiet]) for p in pixels]
        # Independent noise: the variance of the difference is the sum of both.
        difference = np.std((pixels[1] - pixels[0])[quiet])
        assert difference == pytest.approx(np.hypot(*noise), rel=0.15)


def test_the_night_follows_the_release_under_the_same_sky(done, tmp_path):
    release = simulate_frames(
        "tiny", 5, tmp_path, visits_per_band=3, bands=("r",), calibrations=False, workers=1
    )
    earlier = table(release, "truth_visit")
    log, visits = table(done, "observation_log"), table(done, "truth_visit")
    assert visits["expMidptMJD"].min() == pytest.approx(earlier["expMidptMJD"].max() + 3.0)
    assert np.diff(visits["expMidptMJD"]) * 86400.0 == pytest.approx(39.0, abs=1e-3)
    assert set(log["observation_type"]) == {"science"} and list(log["band"]) == ["r", "i"]
    star = table(release, "truth_star").set_index("objectId")
    source = table(done, "truth_source")
    changed = table(done, "truth_dia_source")
    varied = set(changed.loc[changed["kind"] == "variable", "truthId"])
    mine = source[source["isStar"] & (source["band"] == "r")]
    constant = mine[~mine["objectId"].isin(varied)]
    off = np.abs(constant["mag"] - star.loc[constant["objectId"], "r_mag"].to_numpy())
    # What varies by less than a sigma is not listed.
    assert np.median(off) == 0.0 and np.percentile(off, 97) < 0.2
    headers = [read_header(p) for p in done.raws]
    assert {h["IMGTYPE"] for h in headers} == {"OBJECT"}
    assert {h["EXPID"] for h in headers} == set(visits["visit"])


@pytest.mark.slow
def test_any_number_of_processes_gives_the_same_bytes(done, tmp_path):
    again = simulate_night("tiny", 5, tmp_path / "two", workers=2)
    assert again.manifest == done.manifest


def test_without_injections_the_frames_are_the_same(done, tmp_path):
    bare = simulate_night("tiny", 5, tmp_path, workers=1, injected=False, bands=("r", "i"))
    files = done.manifest["files"]
    assert len(bare.raws) == 6 and not (tmp_path / "injected").exists()
    assert "truth_injected_source" not in bare.products
    for name, entry in bare.manifest["files"].items():
        assert entry["sha256"] == files[name]["sha256"]


def test_another_release_is_not_overwritten_unasked(tmp_path):
    changing = replace(ChangingSky().scaled(0.0))
    simulate_night("tiny", 1, tmp_path, workers=1, bands=("r",), changing=changing)
    with pytest.raises(SimulatorError) as found:
        simulate_night("tiny", 2, tmp_path, bands=("r",))
    assert found.value.code == "release_exists"
    fewer = simulate_night(
        "tiny", 2, tmp_path, workers=1, bands=("r",), injected=False, overwrite=True,
        changing=changing,
    )  # fmt: skip
    assert not list((tmp_path / "injected").rglob("*.fits"))
    assert not (tmp_path / "truth" / "truth_injected_source.parquet").exists()
    rows = pq.read_table(fewer.products["truth_dia_source"]).num_rows
    assert rows == 0 and pq.read_table(tmp_path / "orbits" / "mpcorb.parquet").num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "more", "code"),
    [
        (("huge", 1), {}, "unknown_night"),
        (("tiny", 1), {"visits_per_band": 0}, "no_visits"),
        (("tiny", 1), {"bands": ("q",)}, "unknown_band"),
        (("tiny", -1), {}, "bad_seed"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, arguments, more, code):
    with pytest.raises(SimulatorError) as found:
        simulate_night(*arguments, tmp_path / "none", **more)
    assert found.value.code == code and not (tmp_path / "none").exists()


def test_bands_take_turns_in_blocks():
    cadence = replace(preset("small").cadence, bands=("r", "i"), fields=((1.0, 2.0), (3.0, 4.0)))
    order = night_order(cadence, NightSize(3, 2, "small"))
    assert order.band.tolist() == [0] * 4 + [1] * 4 + [0] * 2 + [1] * 2
    assert order.field.tolist() == [0, 1] * 6
    assert set(order.night) == {cadence.nights}
    assert night_size("medium").visits_per_band > night_size("small").visits_per_band
    assert all(size.preset in ("tiny", "small") for size in NIGHTS.values())


def test_an_observatory_without_changes_makes_no_night(night, tmp_path):
    bare = replace(night.observatory, catalogue=None)
    assert isinstance(bare, NightObservatory)
    with pytest.raises(SimulatorError) as found:
        bare.maker(tmp_path)
    assert found.value.code == "no_changes"


@pytest.mark.slow
def test_objects_are_where_they_are_at_the_true_time_not_the_recorded_one(tmp_path):
    from skyassay.simulator.clock import ClockTerms
    from skyassay.simulator.exposure.sizes import PixelTerms
    from skyassay.simulator.solar_system.trajectories import positions

    late = PixelTerms(clock=ClockTerms(offset_ms=120_000.0, night_ms=0.0, jitter_ms=0.0))
    changing = ChangingSky().scaled(0.0)
    changing = replace(changing, movers=replace(changing.movers, density=6000.0))
    night = simulate_night(
        "tiny", 1, tmp_path, workers=1, bands=("r",), injected=False, changing=changing, terms=late
    )
    visit, rows = table(night, "truth_visit"), table(night, "truth_dia_source")
    orbits = pq.read_table(night.products["truth_ss_object"]).to_pandas().to_dict("list")
    orbits = {n: np.array(c) for n, c in orbits.items()}
    off = {}
    for name in ("trueMidptMJD", "expMidptMJD"):
        seen = positions(orbits, float(visit[name][0]))
        dec = dict(zip(seen["ssObjectId"].tolist(), seen["dec"].tolist(), strict=True))
        off[name] = 3600.0 * np.array(
            [d - dec[int(k)] for d, k in zip(rows["dec"], rows["ssObjectId"], strict=True)]
        )
    assert len(rows) > 5 and set(rows["kind"]) == {"solar_system"}
    assert np.abs(off["trueMidptMJD"]).max() < 1e-3 < 0.1 < np.abs(off["expMidptMJD"]).max()
