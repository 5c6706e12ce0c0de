"""Fluxes, positions, detection and false detections against what was drawn."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from scipy.spatial import cKDTree

from skyassay.pipeline.dia.forced import EDGE, NO_GOOD_PIXELS, PARTIAL, forced_psf
from skyassay.pipeline.dia.measure import _chosen, measure_dia
from skyassay.pipeline.dia.options import Options
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.errors import MeasurementError

SIDE = 768


def matched(table, x, y, reach=2.5):
    """Return which places have a source, and their rows."""
    place = np.column_stack([table["x"], table["y"]])
    distance, row = cKDTree(place).query(np.column_stack([x, y]))
    return distance < reach, table[row[distance < reach]]


def noise_of(images, shape):
    """Return the error of a faint PSF flux."""
    return float(forced_psf(images[0], shape[1] / 2.0, shape[0] / 2.0).error[0])


@pytest.fixture(scope="module")
def crowd(scene, grid):
    """441 changes of S/N 10 to 20, half of them darker, measured."""
    rng = np.random.default_rng(2)
    x, y = grid(21, SIDE, 25, rng)
    flux = rng.choice([-1.0, 1.0], len(x)) * rng.uniform(1850.0, 3700.0, len(x))
    drawn = scene((SIDE, SIDE), seed=4).add(x, y, np.maximum(flux, 0), np.maximum(-flux, 0))
    images = drawn.images()
    return x, y, flux, images, measure_dia(*images, Options(), seed=7)


def test_fluxes_have_the_quoted_errors_and_no_bias(crowd):
    x, y, flux, _, done = crowd
    there, found = matched(done.table, x, y)
    assert there.all()
    assert len(done.table) == len(x)
    pull = (found["psfFlux_instFlux"] - flux) / found["psfFlux_instFluxErr"]
    assert abs((pull * np.sign(flux)).mean()) < 3.0 / np.sqrt(len(x))
    assert pull.std() == pytest.approx(1.0, abs=0.1)


def test_positions_have_the_quoted_errors_and_no_bias(crowd):
    x, y, _, _, done = crowd
    _, found = matched(done.table, x, y)
    for name, true in (("x", x), ("y", y)):
        pull = (found[name] - true) / found[f"{name}Err"]
        assert abs(pull.mean()) < 3.0 / np.sqrt(len(x))
        assert pull.std() == pytest.approx(1.0, abs=0.1)


def test_darker_sources_have_negative_fluxes_and_are_counted(crowd):
    x, y, flux, _, done = crowd
    _, found = matched(done.table, x, y)
    assert np.array_equal(found["isNegative"], flux < 0)
    assert done.quality["nPositive"] == (flux > 0).sum()
    assert done.quality["nNegative"] == (flux < 0).sum()
    assert done.quality["nDipole"] == 0
    plane = done.exposure.mask
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    dark = (plane[row, column] & bit("DETECTED_NEGATIVE")) != 0
    assert np.array_equal(dark, flux < 0)


def test_point_sources_look_like_points(crowd):
    table = crowd[4].table
    chi2 = np.asarray(table["psfChi2"] / table["psfNdata"])
    assert chi2.mean() == pytest.approx(1.0, abs=0.03)
    assert (np.asarray(table["extendedness"]) > 0.95).mean() < 0.1
    assert not np.asarray(table["psfFlux_flag"]).any()
    ratio = (table["apFlux_instFlux"] - table["psfFlux_instFlux"]) / table["apFlux_instFluxErr"]
    assert abs(np.median(ratio)) < 0.3


def test_forced_fluxes_of_science_image_and_template(crowd):
    x, y, flux, _, done = crowd
    there, found = matched(done.table, x, y)
    for name, true in (("science", np.maximum(flux, 0)), ("template", np.maximum(-flux, 0))):
        pull = (found[f"{name}Flux_instFlux"] - true[there]) / found[f"{name}Flux_instFluxErr"]
        assert abs(pull.mean()) < 0.3
        assert pull.std() == pytest.approx(1.0, abs=0.12)


def test_half_of_the_sources_at_the_threshold_are_found(scene, grid):
    rng = np.random.default_rng(5)
    x, y = grid(26, SIDE, 20, rng)
    empty = scene((SIDE, SIDE), seed=6).images()
    sigma = noise_of(empty, (SIDE, SIDE))
    snr = rng.choice([3.0, 5.0, 7.5], len(x))
    images = scene((SIDE, SIDE), seed=6).add(x, y, snr * sigma).images()
    there, _ = matched(measure_dia(*images, Options(), seed=1).table, x, y)
    found = [float(there[snr == s].mean()) for s in (3.0, 5.0, 7.5)]
    assert found[0] < 0.1
    assert found[1] == pytest.approx(0.5, abs=0.12)
    assert found[2] > 0.97


def test_noise_gives_as_many_false_detections_as_it_must(scene):
    threshold, expected, found = 4.0, 0.0, 0
    for seed in (21, 22):
        done = measure_dia(
            *scene((SIDE, SIDE), seed=seed).images(), Options(threshold=threshold), seed=1
        )
        found += len(done.table)
        # Maxima of a smooth Gaussian field above a high level, of either sign (Adler 1981):
        # area / (2 pi)**1.5 * u exp(-u**2 / 2) / (2 sigma**2).
        variance = 2.0 * (1.6**2 + 1.0 / 12.0) * 1.17
        density = threshold * np.exp(-0.5 * threshold**2) / (2.0 * np.pi) ** 1.5 / variance
        expected += 2.0 * SIDE**2 * density
    assert found == pytest.approx(expected, rel=0.35)
    assert not np.asarray(done.table["snr"] < threshold).any()


def test_empty_places_tell_the_noise(scene):
    quality = measure_dia(
        *scene((512, 512), seed=8).images(), Options(sky_sources=300), seed=3
    ).quality
    assert quality["nSky"] == 300
    assert quality["skyPullStd"] == pytest.approx(1.0, abs=0.13)
    assert abs(quality["skyPullMean"]) < 0.2


def test_wrong_variance_shows_in_the_empty_places(scene):
    difference, science, template = scene((512, 512), seed=8).images()
    wrong = difference.with_(variance=difference.variance * np.float32(0.5))
    quality = measure_dia(wrong, science, template, Options(sky_sources=300), seed=3).quality
    assert quality["skyPullStd"] > 1.25


def test_empty_image_gives_an_empty_table_with_all_columns(scene, crowd):
    done = measure_dia(*scene((128, 128), seed=3).images(), Options(threshold=8.0), seed=3)
    assert len(done.table) == 0
    assert done.table.colnames == crowd[4].table.colnames
    assert [done.table[c].dtype for c in done.table.colnames] == [
        crowd[4].table[c].dtype for c in crowd[4].table.colnames
    ]


def test_holes_and_values_that_are_none_are_left_out(scene):
    drawn = scene((256, 256), seed=9).add(
        np.array([60.3, 180.0, 128.0]), np.array([70.2, 180.0, 40.0]), np.array([8e3, 8e3, 8e3])
    )
    drawn.mask[:, 58] |= bit("BAD")
    drawn.mask[172:188, 172:188] |= bit("SAT")
    difference, science, template = drawn.images()
    image = difference.image.copy()
    image[10:30, 10:60], image[:, 58] = np.nan, 1e7
    done = measure_dia(difference.with_(image=image), science, template, Options(), seed=1)
    there, found = matched(done.table, [60.3, 128.0], [70.2, 40.0])
    assert there.all()
    assert abs(found["psfFlux_instFlux"][0] - 8e3) < 4.0 * found["psfFlux_instFluxErr"][0]
    assert list(found["pixelFlags_bad"]) == [True, False]
    assert len(done.table) == 2, "nothing is found in the holes"
    assert np.isfinite(np.asarray(done.table["psfFlux_instFlux"])).all()


def test_same_seed_same_table(scene):
    images = scene((256, 256), seed=9).add(100.0, 100.0, 5e3).images()
    one, two = (measure_dia(*images, Options(), seed=5) for _ in range(2))
    assert all(np.array_equal(one.table[c], two.table[c], equal_nan=True) for c in ("x", "psfChi2"))
    assert one.quality == two.quality


def test_image_without_good_pixels_is_refused(scene):
    difference, science, template = scene((128, 128)).images()
    mask = np.full((128, 128), bit("NO_DATA"), dtype=np.int32)
    with pytest.raises(MeasurementError) as caught:
        measure_dia(difference.with_(mask=mask), science, template, Options(), seed=1)
    assert caught.value.code == "no_good_pixels"


def test_forced_flux_says_what_is_wrong(scene):
    drawn = scene((128, 128), seed=2).add(64.0, 64.0, 4e3)
    drawn.mask[60:69, 60:64] |= bit("SAT")
    drawn.mask[90:120, 90:120] |= bit("NO_DATA")
    image = drawn.images()[0]
    at = np.array([64.0, 30.0, 0.0, 105.0, np.nan, 500.0])
    found = forced_psf(image, at, np.array([64.0, 30.0, 50.0, 105.0, 3.0, 500.0]))
    flags = [int(f) for f in found.flags]
    assert flags[1] == 0
    assert flags[2] & EDGE
    assert not flags[2] & NO_GOOD_PIXELS
    assert [f & NO_GOOD_PIXELS for f in flags] == [0, 0, 0, 0, 1, 1]
    assert flags[3] & PARTIAL
    assert np.isnan(found.flux[4:]).all()
    assert abs(found.flux[0] - 4e3) < 4.0 * found.error[0]
    assert found.error[0] > found.error[1]


def test_matched_template_may_have_no_psf_of_its_own(scene):
    difference, science, template = scene((256, 256), seed=9).add(100.0, 100.0, 5e3, 2e3).images()
    one = measure_dia(difference, science, template, Options(), seed=5).table
    two = measure_dia(difference, science, template.with_(psf=None), Options(), seed=5).table
    assert one["templateFlux_instFlux"][0] == two["templateFlux_instFlux"][0]


def test_what_has_its_middle_beyond_the_image_is_left_out():
    """Also where it went there only as a dipole or a trail, after the flag was set."""
    table = Table(
        {
            "x": [10.0, 10.0, 99.4, 99.6, 10.0],
            "y": [-0.6, -0.4, 10.0, 10.0, 10.0],
            "snr": [9.0, 8.0, 7.0, 6.0, 5.0],
            "share": np.ones(5),
            "part": np.zeros(5, dtype=bool),
            "pixelFlags_offimage": np.zeros(5, dtype=bool),
        }
    )
    chosen = _chosen([table], (50, 100), Options())
    assert list(chosen["snr"]) == [8.0, 7.0, 5.0]
    assert not np.asarray(chosen["pixelFlags_offimage"]).any()
