"""The raw frame of a known scene: noise, levels, places, crosstalk, repeatability."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.camera.defects import defect_mask
from skyassay.simulator.camera.electronics import true_detector
from skyassay.simulator.camera.readout import cosmic_rays, read_out
from skyassay.simulator.camera.readout_order import as_read, assembled
from skyassay.simulator.camera.terms import CameraTerms
from skyassay.simulator.errors import SimulatorError

SEED, EXPOSURE = 7, 20260101 * 100_000 + 12
CAMERA = camera("tiny")
#: No rays, so that single pixels can be compared.
QUIET = CameraTerms(cosmic_rate=0.0)


@pytest.fixture(scope="module")
def true():
    return true_detector(CAMERA, 1, SEED, QUIET)


def exposed(scene, true, exposure=EXPOSURE, kind="OBJECT", time=30.0, seed=SEED):
    return read_out(scene, true, "r_sim", time, time, seed, exposure, kind)


def even(level, true):
    return np.full((true.nominal.ny, true.nominal.nx), level, dtype=np.float32)


def data(frame, true):
    """Return the counts above the true bias in the order of reading."""
    amp = true.nominal.amplifiers[0]
    section = np.s_[:, : amp.height, amp.prescan : amp.prescan + amp.width]
    return frame.amps[section] - true.bias[section]


def test_a_frame_has_the_nominal_layout(true):
    frame = exposed(even(100.0, true), true)
    assert frame.amps.dtype == np.uint16
    assert frame.amps.shape == (4, *true.nominal.amplifiers[0].raw_shape)
    assert frame.header["DETNAME"] == true.nominal.name
    assert frame.header["DARKTIME"] == 30.0


def test_photon_transfer_gives_gain_and_read_noise(true):
    """Variance of the difference of two equal frames against their mean, per amplifier."""
    good = as_read(~defect_mask(true.defects, true.nominal), true.nominal)
    terms = []
    for number, level in enumerate((0.0, 20_000.0, 60_000.0)):
        pair = [data(exposed(even(level, true), true, EXPOSURE + 10 * number + k), true)
                for k in (0, 1)]  # fmt: skip
        both = [(p[good[k]], q[good[k]]) for k, (p, q) in enumerate(zip(*pair, strict=True))]
        terms.append([(np.mean(p + q) / 2, np.var(p - q) / 2) for p, q in both])
    for k, amp in enumerate(true.amplifiers):
        # A response q (1 + kq) multiplies photon noise by its slope, (1 + 2kq)^2.
        (_, dark), *bright = (row[k] for row in terms)
        for mean, variance in bright:
            charge = mean * amp.gain * (1.0 - amp.nonlinearity * mean * amp.gain)
            shot = charge * (1.0 + 2.0 * amp.nonlinearity * charge) ** 2 / amp.gain**2
            # 65,000 pixels: 0.55 % at one sigma.
            assert variance - dark == pytest.approx(shot, rel=0.022)
        # The converter rounds: 1/12 ADU^2; the dark current has its own photon noise.
        noise = np.sqrt(amp.read_noise**2 / amp.gain**2 + 1 / 12 + 1.5 / amp.gain**2 + 0.01)
        assert np.sqrt(dark) == pytest.approx(noise, rel=0.02)


def test_the_mean_is_that_of_flat_dark_gain_and_bend(true):
    good = ~defect_mask(true.defects, true.nominal)
    charge = even(50_000.0, true) * true.flat("r_sim") + true.dark * 30.0
    found = assembled(data(exposed(even(50_000.0, true), true), true), true.nominal)
    for amp in true.amplifiers:
        box = amp.nominal.box
        q = charge[box][good[box]].astype(np.float64)
        expected = np.mean(q * (1.0 + amp.nonlinearity * q)) / amp.gain
        # The level drifts by an ADU from frame to frame, and 12 ADU of crosstalk are possible.
        assert found[box][good[box]].mean() == pytest.approx(expected, abs=40.0)
        assert np.mean(q) / amp.gain - expected > 200.0


def test_overscan_follows_the_level(true):
    frame = exposed(even(3_000.0, true), true)
    for amp, counts, bias in zip(true.amplifiers, frame.amps, true.bias, strict=True):
        over = np.s_[:, -amp.nominal.overscan :]
        shift = counts[over] - bias[over]
        error = amp.read_noise / amp.gain / np.sqrt(shift.size)
        drift = shift.mean()
        assert abs(drift) < 5.0 * true.terms.bias_drift
        # The first columns read, and the rows after the last, drift with it; no light is there.
        assert (counts[:, :4] - bias[:, :4]).mean() == pytest.approx(drift, abs=20.0 * error)
        assert (counts[-8:] - bias[-8:]).mean() == pytest.approx(drift, abs=20.0 * error)
        # More at the first rows than at the last ones, as the level settles.
        assert bias[:20, -1].mean() - bias[-20:, -1].mean() > 1.0


@pytest.mark.parametrize("x,y", [(0, 0), (10, 300), (300, 10), (511, 511), (256, 255)])
def test_a_point_comes_back_at_its_place(true, x, y):
    scene = even(0.0, true)
    scene[y, x] = 5e4
    clean = replace(true, sensitivity=np.ones_like(true.sensitivity), dark=0 * true.dark)
    found = assembled(data(exposed(scene, clean), clean), clean.nominal)
    assert np.unravel_index(found.argmax(), found.shape) == (y, x)


def test_the_first_pixel_read_is_at_the_corner(true):
    image = np.arange(512 * 512).reshape(512, 512)
    read = as_read(image, true.nominal)
    corners = [image[0, 0], image[0, 511], image[511, 0], image[511, 511]]
    assert [int(a[0, 0]) for a in read] == corners
    assert np.array_equal(assembled(read, true.nominal), image)


def test_crosstalk_is_at_the_same_place_of_the_readout(true):
    """A block lit in one amplifier shows in another one, mirrored, with the true sign."""
    scene = even(0.0, true)
    scene[40:80, 30:70] = 60_000.0
    frames = [data(exposed(scene, true, EXPOSURE + k), true) for k in range(4)]
    found = np.mean(frames, axis=0)
    target = int(np.argmax(np.abs(true.crosstalk[:, 0])))
    lit, dark = np.s_[40:80, 30:70], np.s_[100:200, 100:200]
    seen = np.median(found[target][lit]) - np.median(found[target][dark])
    expected = true.crosstalk[target, 0] * np.median(found[0][lit])
    assert abs(expected) > 3.0
    assert seen == pytest.approx(expected, abs=0.5)
    assert true.nominal.amplifiers[target].flip_x


def test_same_seed_same_bytes_and_streams_of_their_own(true):
    scene = even(500.0, true)
    again = true_detector(CAMERA, 1, SEED, QUIET)
    first = exposed(scene, true)
    assert np.array_equal(first.amps, exposed(scene, again).amps)
    assert not np.array_equal(first.amps, exposed(scene, true, EXPOSURE + 1).amps)
    assert not np.array_equal(first.amps, exposed(scene, true, seed=SEED + 1).amps)
    other = true_detector(CAMERA, 2, SEED, QUIET)
    assert not np.array_equal(first.amps, exposed(scene, other).amps)
    # More light moves no draw of the read noise: the overscans stay.
    assert np.array_equal(first.amps[:, :, -32:], exposed(2 * scene, true).amps[:, :, -32:])


def test_a_term_changes_only_itself():
    more = true_detector(CAMERA, 1, SEED, replace(QUIET, hot_columns=10.0, gain_error=0.05))
    less = true_detector(CAMERA, 1, SEED, QUIET)
    assert np.array_equal(more.bias, less.bias)
    assert np.array_equal(more.crosstalk, less.crosstalk)
    for a, b in zip(more.amplifiers, less.amplifiers, strict=True):
        assert a.gain == pytest.approx(1.05 * b.gain)
        assert a.read_noise == b.read_noise


def test_columns_of_traps_and_hot_ones_show():
    terms = replace(QUIET, trap_columns=8.0, hot_columns=8.0, dead_columns=0.0, bad_blocks=0.0)
    true = true_detector(CAMERA, 0, SEED, terms)
    lit = assembled(data(exposed(even(40_000.0, true), true), true), true.nominal)
    dark = assembled(data(exposed(even(0.0, true), true, time=300.0), true), true.nominal)
    traps = [d for d in true.defects if d.kind == "TRAP_COLUMN"]
    hot = [d for d in true.defects if d.kind == "HOT_COLUMN"]
    assert len(traps) == len(hot) == 2
    for item in traps:
        (amp,) = (a for a in true.nominal.amplifiers if _holds(a, item))
        typical = np.median(lit[amp.box])
        assert np.median(lit[item.box]) / typical == pytest.approx(1 - terms.trap_share, abs=0.01)
        # Before the trap, towards the register, the column is as good as the others.
        before = np.ones(512, dtype=bool)
        before[item.box[0]] = False
        column = lit[amp.box[0], item.x0][before[amp.box[0]]]
        assert column.size == 0 or np.median(column) / typical == pytest.approx(1.0, abs=0.02)
    for item in hot:
        assert np.median(dark[item.box]) * 1.6 == pytest.approx(300.0 * 20.0, rel=0.15)


def _holds(amp, item):
    rows, columns = amp.box
    return rows.start <= item.y0 < rows.stop and columns.start <= item.x0 < columns.stop


def test_cosmic_rays_of_a_frame_are_those_of_its_truth():
    rainy = true_detector(CAMERA, 1, SEED, CameraTerms(cosmic_rate=3.0))
    still = true_detector(CAMERA, 1, SEED, QUIET)
    image, rays = cosmic_rays(rainy, 30.0, SEED, EXPOSURE)
    assert len(rays) > 5
    scene = even(100.0, rainy)
    more = data(exposed(scene, rainy), rainy) - data(exposed(scene, still), still)
    added = as_read(image, rainy.nominal) / rainy.column("gain")
    # Traps, the bend and crosstalk act on rays too: a few per cent of some of them.
    assert more.sum() == pytest.approx(added.sum(), rel=0.05)
    assert np.abs(more[added == 0]).max() < 0.01 * added.max() + 3


def test_saturation_stops_at_the_full_well(true):
    scene = even(100.0, true)
    scene[200:204, 100:104] = 5e7
    found = data(exposed(scene, true), true)
    top = true.full_well / min(a.gain for a in true.amplifiers)
    assert 0.9 * top < found.max() < 1.02 * top
    # The trail runs along the columns, to the border and no further.
    bright = assembled(found, true.nominal) > 0.5 * top
    assert bright[:256, 100].all()
    assert bright[:, 90].sum() == 0


@pytest.mark.parametrize(
    "scene",
    [np.zeros((4, 4)), np.full((512, 512), np.nan), np.full((512, 512), -1.0),
     np.full((512, 512), np.inf)],
)  # fmt: skip
def test_what_is_no_scene_is_refused(true, scene):
    with pytest.raises(SimulatorError) as error:
        exposed(scene, true)
    assert error.value.code == "bad_scene"
