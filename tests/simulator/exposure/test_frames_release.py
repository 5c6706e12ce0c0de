"""Raw frames on disk: complete, repeatable, the same for any number of processes."""

import hashlib
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyassay.pipeline.instrument.raw import read_header, read_raw
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.plan import science_plan
from skyassay.simulator.exposure.release import simulate_frames
from skyassay.simulator.optics.terms import OpticsTerms


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return simulate_frames(
        "tiny", 5, tmp_path_factory.mktemp("one"), visits_per_band=1, calibrations=False, workers=1
    )


def digests(release):
    return {name: entry["sha256"] for name, entry in release.manifest["files"].items()}


def test_every_frame_is_there_and_is_what_the_manifest_says(release):
    assert len(release.raws) == 2 * 3
    files = release.manifest["files"]
    assert json.loads((release.directory / "manifest.json").read_text()) == release.manifest
    for name, entry in files.items():
        content = (release.directory / name).read_bytes()
        assert len(content) == entry["bytes"]
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    on_disk = {p.relative_to(release.directory).as_posix() for p in release.raws}
    assert on_disk == {n for n, e in files.items() if e["product"] == "raw"}
    assert not list(release.directory.rglob("*.part"))


def test_frames_show_sky_and_stars(release):
    truth = pq.read_table(release.products["truth_visit_detector"]).to_pylist()
    for path in release.raws:
        raw = read_raw(path)
        row = next(
            r for r in truth
            if (r["visit"], r["detector"]) == (raw.header["EXPID"], raw.header["DETECTOR"])
        )  # fmt: skip
        amps = raw.amps.astype(float)
        sky = np.median(amps[:, :256, 4:260]) - np.median(amps[:, :, 265:])
        # Gains are 1.6 to a few per cent.
        assert 1.6 * sky == pytest.approx(row["skyBg"], rel=0.05)
        assert amps.max() > 20_000.0


def test_truth_and_log_agree(release):
    log = pq.read_table(release.products["observation_log"]).to_pandas()
    visits = pq.read_table(release.products["truth_visit"]).to_pandas()
    source = pq.read_table(release.products["truth_source"]).to_pandas()
    star = pq.read_table(release.products["truth_star"]).to_pandas()
    assert set(log["exposure"]) == set(visits["visit"]) == set(source["visit"])
    # As commanded is not as it was: the telescope points with errors of arcseconds.
    assert (np.abs(log["expTime"] - 30.0) < 1e-9).all()
    inside = source[source["seen"]]
    assert inside["x"].between(-0.5, 511.5).all() and inside["y"].between(-0.5, 511.5).all()
    deep = source.merge(visits[["visit", "magLim"]], on="visit")
    assert (deep["mag"] < deep["magLim"] + 1.05).all()
    assert set(source.loc[source["isStar"], "objectId"]) <= set(star["objectId"])
    header = read_header(release.raws[0])
    row = log.set_index("exposure").loc[header["EXPID"]]
    assert header["RA"] == row["ra"] and header["MJD-BEG"] == row["obsStartMJD"]
    assert header["SEEING"] == row["atmosphericSeeing"]


def test_zero_point_of_the_truth_turns_electrons_into_magnitudes(release):
    source = pq.read_table(release.products["truth_source"]).to_pandas()
    detector = pq.read_table(release.products["truth_visit_detector"]).to_pandas()
    both = source.merge(detector, on=["visit", "detector"])
    mag = both["zeroPoint"] - 2.5 * np.log10(both["electrons"])
    assert np.abs(mag - both["mag"]).max() < 2e-3  # the cloud's structure within a detector


@pytest.mark.parametrize("workers", [2])
def test_any_number_of_processes_gives_the_same_bytes(release, tmp_path, workers):
    seen = []
    again = simulate_frames(
        "tiny", 5, tmp_path / "two", visits_per_band=1, calibrations=False, workers=workers,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert digests(again) == digests(release)
    assert again.manifest == release.manifest
    assert seen == [(k, 6) for k in range(1, 7)]


def test_another_release_is_not_overwritten_unasked(release):
    with pytest.raises(SimulatorError) as found:
        simulate_frames("tiny", 6, release.directory, visits_per_band=1, calibrations=False)
    assert found.value.code == "release_exists"


@pytest.mark.slow
def test_frames_of_another_release_go(tmp_path):
    first = simulate_frames("tiny", 5, tmp_path, visits_per_band=1, workers=1)
    calibration = [p for p in first.raws if read_header(p)["IMGTYPE"] != "OBJECT"]
    assert {read_header(p)["IMGTYPE"] for p in calibration} == {"BIAS", "DARK", "FLAT", "SPOT"}
    first_light = min(read_header(p)["MJD-BEG"] for p in first.raws if p not in calibration)
    assert max(read_header(p)["MJD-END"] for p in calibration) < first_light
    bare = simulate_frames(
        "tiny", 5, tmp_path, visits_per_band=1, workers=1, calibrations=False, overwrite=True
    )
    assert sorted(bare.raws) == sorted((tmp_path / "raw").rglob("*.fits"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("huge", 1), "unknown_preset"),
        (("medium", 1), "no_pixels"),
        (("tiny", -1), "bad_seed"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, arguments, code):
    with pytest.raises(SimulatorError) as found:
        simulate_frames(*arguments, tmp_path / "none")
    assert found.value.code == code and not (tmp_path / "none").exists()


@pytest.mark.parametrize("bands", [(), ("r", "q")])
def test_unknown_bands_are_refused(tmp_path, bands):
    with pytest.raises(SimulatorError) as found:
        simulate_frames("tiny", 1, tmp_path / "none", bands=bands)
    assert found.value.code == "unknown_band"


def test_the_plan_is_as_deep_as_its_conditions_in_every_band(cadence):
    from dataclasses import replace

    from skyassay.simulator.exposure.visit import true_visit
    from skyassay.simulator.optics.throughput import depth, zero_point

    whole = replace(cadence, bands=("u", "g", "r", "i", "z", "y"))
    plan, _ = science_plan(whole, OpticsTerms(), 3)
    for k in range(len(plan["visit"])):
        row = {n: c[k].item() for n, c in plan.items()}
        visit = true_visit(row, 0.2, OpticsTerms(), 3)
        zero = zero_point(visit.band, visit.airmass, visit.extinction)
        assert depth(zero, visit.sky.electrons, visit.seeing) == pytest.approx(row["magLim"])


def test_a_mean_detector_is_as_deep_as_its_visit(release):
    visits = pq.read_table(release.products["truth_visit"]).to_pandas().set_index("visit")
    detector = pq.read_table(release.products["truth_visit_detector"]).to_pandas()
    depth = detector.groupby("visit")["magLim"].mean()
    # Response of a detector 1 %, size of its PSF 1 %, sky 1 %.
    assert np.abs(depth - visits["magLim"]).max() < 0.05


def test_mean_response_is_that_of_the_flats():
    from skyassay.pipeline.instrument.layouts import camera
    from skyassay.simulator.camera.electronics import true_detector
    from skyassay.simulator.camera.terms import CameraTerms
    from skyassay.simulator.exposure.frames import Observatory

    terms = CameraTerms(detector_sensitivity=0.0, illumination_slope=0.0)
    nominal = camera("small")
    flats = [true_detector(nominal, d, 1, terms).flat("r_sim").mean(dtype=float) for d in (0, 3, 6)]
    few = Observatory(nominal, 1, {}, {}, {}, {}, terms=terms)
    # Another filter vignettes up to a fifth more or less: of 8 %.
    assert few.response == pytest.approx(np.mean(flats), abs=0.02)
    assert 0.88 < few.response < 0.97


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "raw").write_text("in the way")
    with pytest.raises(SimulatorError) as found:
        simulate_frames("tiny", 1, tmp_path, visits_per_band=1, workers=1, calibrations=False)
    assert found.value.code == "not_writable"
    assert not (tmp_path / "manifest.json").exists()


def test_truth_of_the_pointing_is_not_what_was_commanded(release):
    log = pq.read_table(release.products["observation_log"]).to_pandas().set_index("exposure")
    visits = pq.read_table(release.products["truth_visit"]).to_pandas().set_index("visit")
    off = 3600.0 * np.abs(visits["dec"] - log["dec"])
    assert (off > 0.0).all() and (off < 12.0).all()
    late = 86_400e3 * (visits["expMidptMJD"] - visits["trueMidptMJD"])
    assert (np.abs(late) < 20.0).all() and np.ptp(late) > 0.0
