"""Truth closure on drawn stars: flux, position, size, sky, and the table."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from skyassay.pipeline.measurement.characterize import characterize, measure_with
from skyassay.pipeline.measurement.options import Options

OPTIONS = Options()


@pytest.fixture(scope="module")
def found(stars_field):
    return characterize(*stars_field.planes(), options=OPTIONS, rng_seed=1)


@pytest.fixture(scope="module")
def matched(stars_field, found):
    """Rows of the stars that were found, and their true flux and position."""
    table = found.sources[found.sources["detect_isPrimary"]]
    tree = cKDTree(np.column_stack([table["x"], table["y"]]))
    distance, near = tree.query(np.column_stack([stars_field.x, stars_field.y]))
    there = distance < 1.5
    rows = table[near[there]]
    truth = {k: getattr(stars_field, k)[there] for k in ("x", "y", "flux")}
    return rows, truth, np.array(rows["psfFlux_instFlux"] / rows["psfFlux_instFluxErr"])


def expected_error(flux, fwhm=3.5):
    """Return the photon and sky noise of the equal-weight PSF fit, Gaussians added up."""
    core = fwhm / 2.3548
    grid = np.arange(-25, 26)
    r2 = grid[:, None] ** 2 + grid**2
    p = sum(
        share * np.exp(-r2 / (2 * s2)) / (2 * np.pi * s2)
        for share, s2 in ((0.9, core**2 + 1 / 12), (0.1, 4 * core**2 + 1 / 12))
    )
    sky = 1000.0 + 36.0
    return (
        np.sqrt((p**2 * (sky + np.outer(flux, p).reshape(-1, *p.shape))).sum((1, 2))) / (p**2).sum()
    )


def test_bright_fluxes_have_no_bias_and_the_scatter_of_the_noise(matched):
    rows, truth, snr = matched
    bright = snr > 200
    assert bright.sum() > 60
    off = np.array(rows["psfFlux_instFlux"][bright]) / truth["flux"][bright] - 1.0
    assert abs(1085.7 * np.median(off)) < 2.0
    noise = expected_error(truth["flux"][bright]) / truth["flux"][bright]
    n = bright.sum()
    assert np.std(off / noise) < 1.1 * (1 + 1 / np.sqrt(2 * n))


@pytest.mark.parametrize("name", ["psfFlux", "ap12Flux", "gaussianFlux"])
def test_fluxes_deviate_by_their_errors(matched, name):
    rows, truth, snr = matched
    clean = snr > 15
    pull = (rows[f"{name}_instFlux"] - truth["flux"]) / rows[f"{name}_instFluxErr"]
    pull = np.array(pull)[clean & ~np.array(rows["ap12Flux_flag"])]
    # The tolerance of 0.1 is 2.5 standard errors of the width of 300 values.
    assert len(pull) > 250
    assert abs(np.std(pull) - 1.0) < 0.1
    assert abs(np.mean(pull)) < 0.3


def test_positions_deviate_by_their_errors_and_have_no_bias(matched):
    rows, truth, snr = matched
    clean = snr > 10
    offs = [np.array(rows[k] - truth[k])[clean] for k in "xy"]
    pulls = np.concatenate(
        [off / np.array(rows[f"{k}Err"])[clean] for k, off in zip("xy", offs, strict=True)]
    )
    assert len(pulls) > 500
    assert abs(np.std(pulls) - 1.0) < 0.1
    assert abs(np.mean(pulls)) < 0.1
    for k, off in zip("xy", offs, strict=True):
        assert abs(np.mean(off[snr[clean] > 200])) < 0.003, k


def test_the_reserved_stars_have_the_size_of_the_model(found):
    stars = found.psf_stars
    reserved = stars[stars["calib_psf_reserved"]]
    assert len(reserved) == round(0.2 * len(stars))
    assert not np.any(stars["calib_psf_used"] & stars["calib_psf_reserved"])
    ratio = np.sqrt((reserved["ixx"] + reserved["iyy"]) / (reserved["ixxPSF"] + reserved["iyyPSF"]))
    assert abs(np.mean(ratio) - 1.0) < 0.005
    faint = np.array(reserved["psfFlux_instFlux"]) < np.median(reserved["psfFlux_instFlux"])
    assert abs(np.mean(ratio[faint]) - np.mean(ratio[~faint])) < 0.006


def test_the_sky_and_its_noise(found):
    assert abs(found.summary["skyBg"] - 1000.0) < 0.5
    assert found.summary["skyNoise"] == pytest.approx(np.sqrt(1036.0), rel=0.005)
    empty = found.sources[found.sources["sky_source"]]
    assert len(empty) == 100
    pull = empty["psfFlux_instFlux"] / empty["psfFlux_instFluxErr"]
    assert abs(np.mean(pull)) < 0.35
    assert np.std(pull) == pytest.approx(1.0, abs=0.2)
    assert not np.any(empty["detect_isPrimary"])


def test_the_summary_says_what_was_drawn(found):
    summary = found.summary
    core = 3.5 / 2.3548
    assert core < summary["psfSigma"] < 1.1 * core
    assert summary["psfIxx"] > summary["psfIyy"]
    assert summary["nPsfStar"] == np.sum(found.sources["calib_psf_used"])
    # 4 % from side to side: the grid spans nine tenths of it.
    assert 0.02 < summary["psfTraceRadiusDelta"] / summary["psfSigma"] < 0.06
    assert abs(summary["psfStarDeltaSizeMedian"]) < 0.005 * summary["psfSigma"]
    assert all(np.isfinite(v) for v in summary.values())


def test_stars_are_points(matched):
    rows, _, snr = matched
    assert np.mean(rows["extendedness"][snr > 50]) < 0.02
    assert np.mean(rows["sizeExtendedness"][snr > 100] < 0.5) > 0.97


def test_measuring_again_with_the_model_gives_the_same(stars_field, found):
    again = measure_with(
        *stars_field.planes(), found.psf, found.aperture_correction, OPTIONS, rng_seed=1
    )
    assert len(again) == len(found.sources)
    primary = np.array(again["detect_isPrimary"])
    for name in ("x", "y", "psfFlux_instFlux"):
        error = {"x": "xErr", "y": "yErr"}.get(name, "psfFlux_instFluxErr")
        off = (again[name] - found.sources[name]) / found.sources[error]
        assert np.nanmax(np.abs(np.array(off)[primary])) < 0.05, name


def test_the_same_image_gives_the_same_bits(small_field):
    one, two = (characterize(*small_field.planes(), options=OPTIONS, rng_seed=3) for _ in range(2))
    assert one.sources.colnames == two.sources.colnames
    for name in one.sources.colnames:
        np.testing.assert_array_equal(one.sources[name], two.sources[name], err_msg=name)


def test_the_arguments_stay_as_they_were(small_field):
    before = [plane.copy() for plane in small_field.planes()]
    characterize(*small_field.planes(), options=OPTIONS, rng_seed=3)
    for plane, copy in zip(small_field.planes(), before, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_half_of_the_stars_of_snr_five_are_found(drawing):
    rng = np.random.default_rng(21)
    at = np.linspace(20, 1003, 31)
    x, y = (axis.ravel() + rng.uniform(-3, 3, 961) for axis in np.meshgrid(at, at))
    unit = expected_error(np.zeros(1))[0]
    snr = rng.uniform(2.5, 8.0, 961)
    snr[::24] = 250.0
    field = drawing((1024, 1024), x, y, snr * unit, change=0.0, seed=22)
    found = characterize(*field.planes(), options=OPTIONS, rng_seed=1)
    table = found.sources[found.sources["detect_isPrimary"]]
    tree = cKDTree(np.column_stack([table["x"], table["y"]]))
    hit = tree.query(np.column_stack([x, y]))[0] < 3.0
    faint = snr < 100
    # The S/N that splits found from lost with the fewest exceptions: the 50 % point.
    cuts = np.linspace(3.5, 6.5, 301)
    wrong = [np.sum(hit[faint] != (snr[faint] > c)) for c in cuts]
    half = np.mean(cuts[np.array(wrong) == min(wrong)])
    assert abs(2.5 * np.log10(half / 5.0)) < 0.1
