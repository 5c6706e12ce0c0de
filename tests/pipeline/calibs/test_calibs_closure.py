"""Calibrations built from simulated frames, against the truth they were drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.calibs.bias import build_bias
from skyassay.pipeline.calibs.combine import CalibFrame
from skyassay.pipeline.calibs.crosstalk import build_crosstalk
from skyassay.pipeline.calibs.dark import build_dark
from skyassay.pipeline.calibs.defects import build_defects
from skyassay.pipeline.calibs.flats import build_flat
from skyassay.pipeline.calibs.linearizer import build_linearizer
from skyassay.pipeline.calibs.ptc import build_ptc
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.isr.calibrations import Calibrations, crosstalk_matrix
from skyassay.pipeline.isr.linearity import linearize
from skyassay.pipeline.isr.run import IsrResult, remove_signature
from skyassay.simulator.camera.defects import defect_mask
from skyassay.simulator.camera.electronics import TrueDetector, true_detector
from skyassay.simulator.camera.lamps import CalibrationPlan, lamp_frame
from skyassay.simulator.camera.readout import cosmic_rays, read_out
from skyassay.simulator.camera.terms import CameraTerms

FULL = 90_000.0
SEED, FILTER, SCENE = 11, "r_sim", 900
LEVELS = (1e3, 2e3, 4e3, 8e3, 1.5e4, 2.5e4, 3.7e4, 5e4, 6.5e4, 8e4, 1.15e5, 1.4e5)


@dataclass(frozen=True)
class Built:
    true: TrueDetector
    calibs: Calibrations
    quality: dict[str, dict]
    mask: np.ndarray
    response: np.ndarray
    scale: float


@pytest.fixture(scope="module")
def built() -> Built:
    """All calibrations of a tiny detector with plenty of defects."""
    cam = camera("tiny")
    # A detector as small as this would have a column of each kind only by chance.
    true = true_detector(cam, 1, SEED, CameraTerms(dead_columns=8.0, trap_columns=8.0))
    detector = true.nominal
    plan = CalibrationPlan(10, (300.0,) * 5, LEVELS, 8, spots=4)
    raws: dict[str, list] = {"BIAS": [], "DARK": [], "FLAT": [], "SPOT": [], "RAMP": []}
    for k, frame in enumerate(plan.frames(["r"])):
        raw = lamp_frame(frame, true, cam, 100 + k, 61000.0 + k / 1440.0, SEED)
        raws["RAMP" if frame.pair else frame.kind].append(raw)
    quality = {}
    known = Calibrations(bias=build_bias(raws["BIAS"], detector))
    table, quality["crosstalk"] = build_crosstalk(raws["SPOT"], detector, known)
    known = replace(known, crosstalk=table)
    table, quality["linearizer"] = build_linearizer(raws["RAMP"], detector, known)
    known = replace(known, linearizer=table)
    table, quality["ptc"] = build_ptc(raws["RAMP"], detector, known)
    known = replace(known, ptc=table)
    known = replace(known, dark=build_dark(raws["DARK"], detector, known))
    known = replace(known, flat=build_flat(raws["FLAT"], detector, known))
    dim = [r for r in raws["RAMP"] if r.header["FLATLEV"] < 1e4]
    faint = build_flat(dim, detector, known)
    table, mask, quality["defects"] = build_defects(known.dark, known.flat, faint)
    known = replace(known, defects=table)
    # What the flat should be: the response, and the errors of the gains, which cancel.
    response = true.flat(FILTER).astype(np.float64)
    for amp, row in zip(true.amplifiers, known.ptc, strict=True):
        response[amp.nominal.box] *= row["gain"] / amp.gain
    scale = float(response[~defect_mask(true.defects, detector)].mean())
    return Built(true, known, quality, mask, response / scale, scale)


def test_gain_noise_and_saturation(built):
    for amp, row in zip(built.true.amplifiers, built.calibs.ptc, strict=True):
        assert row["status"] == "ok"
        assert row["gain"] == pytest.approx(amp.gain, rel=0.01)
        assert abs(row["gain"] - amp.gain) < 4.0 * row["gainErr"]
        assert row["readNoise"] == pytest.approx(amp.read_noise, rel=0.02)
        full = FULL * (1.0 + amp.nonlinearity * FULL) / amp.gain
        assert 0.95 * full < row["saturation"] < full
    assert built.quality["ptc"]["worstChi2"] < 4.0
    gain = built.calibs.ptc["gain"]
    assert str(gain.unit) == "electron / adu"
    assert np.ptp(gain) > 0.02, "the true gains differ, so they were measured"


def test_linearity(built):
    for amp, row in zip(built.true.amplifiers, built.calibs.linearizer, strict=True):
        electrons = np.linspace(500.0, 85_000.0, 100)
        counts = electrons * (1.0 + amp.nonlinearity * electrons) / amp.gain
        raw = counts / electrons
        corrected = linearize(counts, [row["c2"], row["c3"]]) / electrons
        assert np.abs(raw / raw.mean() - 1.0).max() > 5e-3
        assert np.abs(corrected / corrected.mean() - 1.0).max() < 1e-3
        assert row["maxAdu"] < 90_000.0 / amp.gain
    assert built.quality["linearizer"]["worstScatter"] < 1e-3


def test_crosstalk(built):
    table = built.calibs.crosstalk
    errors = Table(table, copy=True)
    errors["coefficient"] = table["coefficientErr"]
    found, sigma = (crosstalk_matrix(built.true.nominal, t) for t in (table, errors))
    off = ~np.eye(len(found), dtype=bool)
    difference = (found - built.true.crosstalk)[off]
    assert np.abs(built.true.crosstalk).max() > 1e-4
    assert np.abs(difference).max() < 1e-5
    assert np.abs(difference / sigma[off]).max() < 3.5  # of twelve coefficients
    assert (np.abs(difference) > sigma[off]).any(), "errors are not inflated"


def test_flat_and_dark(built):
    good = (built.mask == 0) & ~defect_mask(built.true.defects, built.true.nominal)
    flat = built.calibs.flat
    residual = (flat.image / np.where(built.response > 0, built.response, 1.0))[good] - 1.0
    assert flat.image[good].mean() == pytest.approx(1.0, abs=1e-4)
    assert residual.std() < 3e-3
    assert abs(residual.mean()) < 2e-4
    # What the variance says is what is there; the response itself differs by more.
    assert residual.std() == pytest.approx(np.sqrt(np.median(flat.variance)), rel=0.05)
    assert built.response[good].std() > residual.std()
    dark = built.calibs.dark.image
    assert np.median(dark) == pytest.approx(built.true.terms.dark_current, abs=0.005)


def test_defects(built):
    kinds = dict.fromkeys(("HOT_PIXEL", "DEAD_COLUMN", "TRAP_COLUMN", "BAD_BLOCK"), 0)
    for defect in built.true.defects:
        hit = (built.mask[defect.box] != 0).mean()
        if defect.kind == "HOT_PIXEL" and defect.size < 3.3:
            continue  # weaker than what counts as hot
        if defect.kind == "TRAP_COLUMN" and defect.size < 0.3:
            continue  # a constant share: the flat corrects it
        assert hit == 1.0, defect
        kinds[defect.kind] += 1
    assert min(kinds["HOT_PIXEL"], kinds["DEAD_COLUMN"], kinds["TRAP_COLUMN"]) > 0
    truth = defect_mask(built.true.defects, built.true.nominal)
    assert ((built.mask != 0) & ~truth).mean() < 1e-3


def scene(shape: tuple[int, int], sky: float) -> np.ndarray:
    """Return a sky with stars of 0.7 arcsec."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = np.full(shape, sky)
    for flux in 10.0 ** rng.uniform(4.0, 5.7, 80):
        cx, cy = rng.uniform(10, shape[1] - 10, 2)
        image += (
            flux / (2.0 * np.pi * 1.5**2) * np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / 1.5**2)
        )
    return image


@pytest.fixture(scope="module", params=[300.0, 1500.0])
def processed(request, built) -> tuple[np.ndarray, IsrResult]:
    true = built.true
    truth = scene((true.nominal.ny, true.nominal.nx), request.param)
    raw = read_out(truth, true, FILTER, 30.0, 32.0, SEED, SCENE, "OBJECT")
    return truth * built.scale, remove_signature(raw, true.nominal, built.calibs)


def test_residuals_are_noise(built, processed):
    truth, result = processed
    # Weak traps' ends and rays that no criterion could see are not what is asked here.
    traps = [d for d in built.true.defects if d.kind == "TRAP_COLUMN"]
    rays = cosmic_rays(built.true, 32.0, SEED, SCENE)[0] > 0.0
    good = (result.mask == 0) & ~defect_mask(traps, built.true.nominal) & ~rays
    pull = ((result.image - truth) / np.sqrt(result.variance))[good]
    assert good.mean() > 0.97
    assert pull.std() == pytest.approx(1.0, abs=0.03)
    assert abs(pull.mean()) < 0.05
    bright = (truth > 3.0 * np.median(truth))[good]
    assert bright.sum() > 500
    assert pull[bright].std() == pytest.approx(1.0, abs=0.1)
    assert abs(pull[bright].mean()) < 4.0 / np.sqrt(bright.sum()) + 0.1
    assert np.abs(pull).max() < 9.0


def test_cosmic_rays_are_found_and_stars_are_not(built, processed):
    truth, result = processed
    rays = cosmic_rays(built.true, 32.0, SEED, SCENE)[0]
    found = result.mask & bit("CR") != 0
    usable = result.mask & (bit("BAD") | bit("SAT")) == 0
    strong = (rays > 10.0 * np.sqrt(truth + 40.0)) & usable
    assert strong.sum() > 10
    assert found[strong].mean() > 0.9
    near = np.zeros(rays.shape, bool)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near |= np.roll(rays > 0.0, (dy, dx), (0, 1))
    assert (found & ~near).sum() <= 3
    # Where stars are bright nothing but a ray may be taken away.
    stars = truth > 3.0 * np.median(truth)
    assert (found & stars & ~near).sum() == 0


def test_wrong_calibrations_are_seen(built, processed):
    """The closure can fail: without the flat and with nominal gains it does."""
    truth, result = processed
    true = built.true
    raw = read_out(truth / built.scale, true, FILTER, 30.0, 32.0, SEED, SCENE, "OBJECT")
    ones = np.ones(truth.shape, np.float32)
    none = CalibFrame(ones, np.zeros(truth.shape, np.int32), 0.0 * ones)
    table = Table(built.calibs.ptc, copy=True)
    table["gain"] = 1.6
    wrong = replace(built.calibs, flat=none, ptc=table)
    other = remove_signature(raw, true.nominal, wrong)
    good = (other.mask == 0) & (result.mask == 0)
    pull = ((other.image - truth) / np.sqrt(other.variance))[good]
    assert abs(pull.std() - 1.0) > 0.05 or abs(pull.mean()) > 0.3
