"""Images that are broken, empty, saturated, crowded or blended."""

import numpy as np
import pytest

from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.measurement.characterize import characterize
from skyassay.pipeline.measurement.errors import MeasurementError
from skyassay.pipeline.measurement.options import RADII, Options

OPTIONS = Options()


def run(field, **options):
    return characterize(*field.planes(), options=Options(**options), rng_seed=1)


def refused(field):
    with pytest.raises(MeasurementError) as caught:
        run(field)
    assert caught.value.hint
    return caught.value.code


def nearest(table, x, y):
    primary = np.flatnonzero(table["detect_isPrimary"])
    distance = np.hypot(table["x"][primary] - x, table["y"][primary] - y)
    return table[primary[np.argmin(distance)]]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_stars_give_no_psf(drawing, n):
    x, y = np.array([100.2, 180.7])[:n], np.array([90.0, 201.3])[:n]
    assert refused(drawing((256, 256), x, y, np.full(n, 1e5))) == "no_psf_stars"


def test_noise_alone_gives_no_psf_and_no_warning(drawing):
    field = drawing((256, 256), np.empty(0), np.empty(0), np.empty(0), sky=100.0)
    assert refused(field) == "no_psf_stars"


def test_an_image_without_size_is_empty(drawing):
    planes = np.zeros((0, 0), np.float32), np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32)
    with pytest.raises(MeasurementError) as caught:
        characterize(*planes, options=OPTIONS, rng_seed=1)
    assert caught.value.code == "empty_image"


def test_planes_that_do_not_fit(small_field):
    image, mask, variance = small_field.planes()
    with pytest.raises(MeasurementError) as caught:
        characterize(image, mask[1:], variance, options=OPTIONS, rng_seed=1)
    assert caught.value.code == "wrong_shape"
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(("plane", "code"), [("SAT", "all_saturated"), ("BAD", "no_good_pixels")])
def test_a_covered_detector(small_field, plane, code):
    mask = np.full_like(small_field.mask, bit(plane))
    assert refused(small_field.with_planes(mask=mask)) == code


def test_nothing_but_nan(small_field):
    image = np.full_like(small_field.image, np.nan)
    assert refused(small_field.with_planes(image=image)) == "no_good_pixels"


def test_nan_pixels_are_marked_and_hurt_nobody_else(small_field):
    image = small_field.image.copy()
    column, row = round(small_field.x[14]), round(small_field.y[14])
    image[row - 1 : row + 2, column - 1 : column + 2] = np.nan
    image[:, 200] = np.nan
    before, after = run(small_field), run(small_field.with_planes(image=image))
    assert np.all(after.mask[:, 200] & bit("UNMASKEDNAN"))
    far = np.abs(small_field.x - 200) > 40
    far[14] = False
    for x, y in zip(small_field.x[far], small_field.y[far], strict=True):
        one, two = nearest(before.sources, x, y), nearest(after.sources, x, y)
        assert two["psfFlux_instFlux"] == pytest.approx(one["psfFlux_instFlux"], rel=0.005)
    hit = nearest(after.sources, small_field.x[14], small_field.y[14])
    assert hit["pixelFlags_nodata"]
    assert hit["ap12Flux_flag"]
    assert np.isnan(hit["ap12Flux_instFlux"])


def test_the_flags_of_a_star_are_those_of_its_pixels(small_field):
    mask = small_field.mask.copy()
    for k, plane in ((7, "CR"), (8, "SUSPECT"), (9, "INTRP")):
        mask[round(small_field.y[k]), round(small_field.x[k])] |= bit(plane)
    table = run(small_field.with_planes(mask=mask)).sources
    names = ("pixelFlags_crCenter", "pixelFlags_suspectCenter", "pixelFlags_interpolatedCenter")
    for k in (7, 8, 9, 10):
        row = nearest(table, small_field.x[k], small_field.y[k])
        assert [bool(row[n]) for n in names] == [k == 7, k == 8, k == 9]
        assert bool(row["pixelFlags_cr"]) == (k == 7)
        assert abs(row["psfFlux_instFlux"] / small_field.flux[k] - 1) < 0.05


def test_a_saturated_core_is_flagged_and_its_flux_comes_from_around_it(drawing):
    rng = np.random.default_rng(5)
    at = np.linspace(40, 340, 6)
    x, y = (axis.ravel() + rng.uniform(-3, 3, 36) for axis in np.meshgrid(at, at))
    flux = 10 ** rng.uniform(4.3, 5.2, 36)
    flux[21] = 3e6
    field = drawing((384, 384), x, y, flux)
    full = field.image > 90_000
    image = np.where(full, np.float32(90_000), field.image)
    mask = np.where(full, np.int32(bit("SAT")), field.mask)
    table = run(field.with_planes(image=image, mask=mask)).sources
    row = nearest(table, x[21], y[21])
    assert row["pixelFlags_saturatedCenter"]
    assert not row["calib_psf_candidate"]
    assert row["psfFlux_instFlux"] == pytest.approx(3e6, rel=0.05)


@pytest.mark.parametrize("separation", [2.0, 3.0])
def test_two_close_stars_are_taken_apart(drawing, separation):
    rng = np.random.default_rng(6)
    at = np.linspace(40, 340, 6)
    x, y = (axis.ravel() + rng.uniform(-3, 3, 36) for axis in np.meshgrid(at, at))
    flux = 10 ** rng.uniform(4.3, 5.2, 36)
    flux[14] = 8e4
    x, y, flux = np.append(x, x[14] + separation * 3.5), np.append(y, y[14]), np.append(flux, 4e4)
    found = run(drawing((384, 384), x, y, flux, change=0.0))
    pair = [nearest(found.sources, x[k], y[k]) for k in (14, 36)]
    for k, row in zip((14, 36), pair, strict=True):
        assert row["psfFlux_instFlux"] == pytest.approx(flux[k], rel=0.03)
        assert np.hypot(row["x"] - x[k], row["y"] - y[k]) < 0.06
        assert row["ap12Flux_instFlux"] == pytest.approx(flux[k], rel=0.08)
    if separation == 2.0:
        parent = {int(row["parent"]) for row in pair}
        assert len(parent) == 1
        blend = found.sources[parent.pop()]
        assert blend["deblend_nChild"] == 2
        assert not blend["detect_isPrimary"]
        assert all(row["detect_isDeblendedSource"] for row in pair)
        assert blend["footprintArea_value"] == sum(row["footprintArea_value"] for row in pair)
        assert pair[1]["blendedness_abs"] > pair[0]["blendedness_abs"] > 0


def test_galaxies_are_extended_and_make_no_psf(drawing):
    rng = np.random.default_rng(7)
    at = np.linspace(40, 470, 8)
    x, y = (axis.ravel() + rng.uniform(-3, 3, 64) for axis in np.meshgrid(at, at))
    wide = np.where(np.arange(64) % 2 == 0, rng.uniform(0.8, 3.0, 64), 0.0)
    field = drawing((512, 512), x, y, 10 ** rng.uniform(4.3, 5.2, 64), wider=wide)
    found = run(field)
    rows = [nearest(found.sources, a, b) for a, b in zip(x, y, strict=True)]
    for row, width in zip(rows, wide, strict=True):
        assert row["extendedness"] == (width > 0)
        if width > 0:
            assert not row["calib_psf_candidate"]


def test_a_crowded_field_is_measured(drawing):
    rng = np.random.default_rng(8)
    n = 1200
    x, y = rng.uniform(0, 511, n), rng.uniform(0, 511, n)
    field = drawing((512, 512), x, y, 10 ** (3.2 + rng.exponential(0.45, n)).clip(max=5.6))
    found = run(field)
    primary = found.sources[found.sources["detect_isPrimary"]]
    assert len(primary) > 500
    assert np.sum(found.sources["deblend_nChild"] > 0) > 20
    assert np.isfinite(primary["psfFlux_instFlux"]).mean() > 0.99
    bright = field.flux > 1e5
    ratio = [
        nearest(found.sources, a, b)["psfFlux_instFlux"] / f
        for a, b, f in zip(x[bright], y[bright], field.flux[bright], strict=True)
    ]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)


def test_an_aperture_over_the_edge_says_so(small_field):
    table = run(small_field).sources
    edge = np.minimum.reduce([table["x"], table["y"], 383 - table["x"], 383 - table["y"]]) + 0.5
    for radius in RADII:
        name = f"ap{int(radius):02d}Flux"
        np.testing.assert_array_equal(table[f"{name}_flag"], edge < radius)
        np.testing.assert_array_equal(np.isnan(table[f"{name}_instFlux"]), edge < radius)
