"""The light of a detector in the night: what changed, and what was injected."""

import numpy as np
import pytest

from skyassay.pipeline.instrument.filters import physical_filter
from skyassay.simulator.changing.noise import local_light, psf_stamps
from skyassay.simulator.exposure.draw import draw_sky
from skyassay.simulator.exposure.frames import FrameMaker, sound_mean
from skyassay.simulator.optics.distortion import true_place


@pytest.fixture(scope="module")
def drawn(night, tmp_path_factory):
    """Return, by detector: the light without and with changes, and the scene."""
    plain = FrameMaker(night.observatory, tmp_path_factory.mktemp("plain"))
    frame, found = night.frames[0], {}
    band = physical_filter(frame.band)
    for d in night.observatory.camera.detectors:
        true = night.maker.true(d.id)
        found[d.id] = (
            plain.scene(frame, true, band)[0],
            night.maker.changed_scene(frame, true, band),
        )
    return frame, found


def test_differences_are_the_fluxes_of_the_truth(night, drawn):
    frame, found = drawn
    visit = night.maker.visit(frame.exposure)
    checked = 0
    for number, (before, scene) in found.items():
        row, rows = scene.visit_detector, scene.changed
        place = true_place(
            night.observatory.camera[number], 0.2, night.observatory.optics, night.observatory.seed
        )
        difference = scene.light - before
        x, y = rows["x"], rows["y"]
        inside = rows["seen"] & (np.abs(rows["snr"]) > 5.0) & (rows["trailLength"] < 0.3)
        inside &= (np.abs(x - 255.5) < 230.0) & (np.abs(y - 255.5) < 230.0)
        gaps = np.hypot(x[:, None] - x, y[:, None] - y) + 1e3 * np.eye(x.size)
        lonely = inside & (gaps.min(axis=1, initial=1e3) > 30.0)
        shape = visit.psf.shape(*place.pixel_to_focal(x[lonely], y[lonely]))
        psf = psf_stamps(visit, shape, x[lonely], y[lonely])
        pieces = local_light(difference, x[lonely], y[lonely])
        electrons = (psf * pieces).sum(axis=(1, 2)) / np.square(psf).sum(axis=(1, 2))
        zero = row["zeroPoint"][0] - 2.5 * np.log10(row["response"][0])
        flux = electrons * 10.0 ** (0.4 * (31.4 - zero))
        assert flux == pytest.approx(rows["flux"][lonely], rel=0.01, abs=5.0)
        checked += int(lonely.sum())
    assert checked > 5


def test_changes_of_both_signs_leave_no_place_dark(night, drawn):
    frame, found = drawn
    visit, o = night.maker.visit(frame.exposure), night.observatory
    signs = []
    for number, (_, scene) in found.items():
        place = true_place(o.camera[number], o.camera.pixel_scale, o.optics, o.seed)
        above = scene.light - draw_sky(visit, place, o.star)
        assert above.min() > -0.01 * np.sqrt(scene.visit_detector["skyBg"][0])
        signs.append(np.sign(scene.changed["snr"]))
    assert {-1.0, 1.0} <= set(np.concatenate(signs))


def test_rows_of_the_truth_are_on_the_detector_or_near_it(drawn):
    for _, scene in drawn[1].values():
        rows = scene.changed
        assert (np.abs(rows["snr"]) >= 1.0).all() and (rows["snr"] * rows["flux"] > 0.0).all()
        assert ((rows["x"] > -21.0) & (rows["x"] < 532.0)).all()
        inside = (np.abs(rows["x"] - 255.5) < 256.0) & (np.abs(rows["y"] - 255.5) < 256.0)
        assert (rows["seen"] == inside).all()
        assert (np.diff(rows["truthId"]) > 0).all()
        moving = rows["kind"] == "solar_system"
        assert ((rows["ssObjectId"] > 0) == moving).all()
        assert ((rows["trailLength"] > 0.0) == moving).all()


def test_stars_are_as_bright_as_they_are_now_in_the_truth_of_sources(drawn):
    for _, scene in drawn[1].values():
        rows, source = scene.changed, scene.source
        varied = rows["kind"] == "variable"
        for number, flux in zip(rows["truthId"][varied], rows["flux"][varied], strict=True):
            mine = source["objectId"] == number
            if mine.any():
                assert source["flux"][mine][0] > flux


@pytest.fixture(scope="module")
def copies(night):
    """Return, by frame and detector: the scene, its injected light and the rows about that."""
    found = []
    for frame in night.frames:
        for d in night.observatory.camera.detectors:
            true = night.maker.true(d.id)
            scene = night.maker.changed_scene(frame, true, physical_filter(frame.band))
            found.append((frame, true, scene, *night.maker.injected(frame, true, scene)))
    return found


def test_injections_are_as_many_and_as_bright_as_asked_for(copies):
    rows = [r for *_, r in copies]
    # 1.3 per square arcminute of a detector of 512 x 512.
    assert {r["x"].size for r in rows} == {round(1.3 * (512 * 0.2 / 60.0) ** 2)}
    signal = np.concatenate([r["snr"] for r in rows])
    assert signal.min() > 2.95 and signal.max() < 20.2
    assert np.mean(signal < np.sqrt(60.0)) == pytest.approx(0.5, abs=0.35)
    ids = np.concatenate([r["truthId"] for r in rows])
    assert (ids < 0).all() and np.unique(ids).size == ids.size


def test_injections_are_at_random_places_in_galaxies_and_on_nuclei(copies):
    host = np.concatenate([r["hostId"] for *_, r in copies])
    apart = np.concatenate([r["hostSeparation"] for *_, r in copies])
    assert np.mean(host == 0) == pytest.approx(1 / 3, abs=0.2)
    assert (np.isnan(apart) == (host == 0)).all()
    assert np.mean(apart < 0.3) > 0.2 and np.nanmax(apart) > 0.3


def test_injections_keep_their_distances(copies):
    for _, true, scene, _, r in copies:
        x, y = r["x"], r["y"]
        gaps = np.hypot(x[:, None] - x, y[:, None] - y) + 1e3 * np.eye(x.size)
        assert gaps.min() >= 4.0 / 0.2
        real = scene.changed
        if real["x"].size:
            assert np.hypot(real["x"][:, None] - x, real["y"][:, None] - y).min() >= 4.0 / 0.2
        assert (np.abs(x - 255.5) < 248.0).all() and (np.abs(y - 255.5) < 248.0).all()
        full = scene.light * true.flat(physical_filter(str(r["band"][0]))) > true.full_well
        near = np.hypot(*(a[:, None] - b for a, b in zip(np.nonzero(full), (y, x), strict=True)))
        assert near.min(initial=99.0) > 5.0


def test_injected_light_is_that_of_the_rows_alone(night, copies):
    for frame, true, scene, light, r in copies:
        added = light - scene.light
        visit = night.maker.visit(frame.exposure)
        zero = visit.clear_zero_point - np.mean(scene.visit_detector["cloud"])
        electrons = r["flux"] * 10.0 ** (-0.4 * (31.4 - zero))
        assert added.sum() == pytest.approx(electrons.sum(), rel=0.01)
        assert added.min() >= 0.0
        # The depth of the truth of the detector is where a point has S/N 5 before its own photons.
        m5 = scene.visit_detector["magLim"][0]
        faint = r["hostId"] == 0
        five = 10.0 ** (-0.4 * (m5 - 31.4)) / 5.0 * r["snr"][faint]
        assert (r["flux"][faint] > 0.95 * five).all()
        assert sound_mean(true.flat(physical_filter(frame.band))) > 0.5


def test_each_detector_of_each_visit_has_injections_of_its_own(copies):
    places = {(float(r["ra"][0]), float(r["dec"][0])) for *_, r in copies}
    assert len(places) == len(copies)
