"""Means of visits: value, noise, outliers, planes, and what a coadd says of itself."""

import numpy as np
import pytest

from skyassay.pipeline.coadd.build import INPUTS, coadd
from skyassay.pipeline.coadd.combine import combine
from skyassay.pipeline.coadd.errors import CoaddError
from skyassay.pipeline.coadd.patches import patch_box, tract_wcs
from skyassay.pipeline.coadd.warp import Planes
from skyassay.pipeline.images.exposure import Exposure, PhotoCalib
from skyassay.pipeline.images.mask import bit
from skyassay.pipeline.repository.skymap import SkyMap

SHAPE = (80, 90)


def layers(n=6, seed=2, noise=3.0, sky=None):
    rng = np.random.default_rng(seed)
    base = np.zeros(SHAPE) if sky is None else sky
    return [
        Planes(
            (base + rng.normal(0.0, noise, SHAPE)).astype(np.float32),
            np.full(SHAPE, noise**2, np.float32),
            np.zeros(SHAPE, np.int32),
        )
        for _ in range(n)
    ]


def star(sigma, flux=20000.0):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    q = (x - 40.0) ** 2 + (y - 35.0) ** 2
    return flux * np.exp(-0.5 * q / sigma**2) / (2 * np.pi * sigma**2)


def together(parts, weights=None, widths=None):
    n = len(parts)
    return combine(
        parts,
        np.ones(n) if weights is None else np.asarray(weights, float),
        np.full(n, 1.5) if widths is None else np.asarray(widths, float),
    )


def test_the_mean_has_the_weights_and_the_noise_of_its_parts():
    parts = layers(2, noise=1.0)
    made, count = together(parts, (3.0, 1.0))
    expected = 0.75 * parts[0].image + 0.25 * parts[1].image
    np.testing.assert_allclose(made.image, expected, atol=1e-5)
    np.testing.assert_allclose(made.variance, 0.75**2 + 0.25**2, rtol=1e-5)
    assert (count == 2).all()
    deep, _ = together(layers(8))
    assert deep.image.std() / np.sqrt(deep.variance.mean()) == pytest.approx(1.0, abs=0.03)


def test_a_moving_object_of_one_visit_does_not_survive():
    parts = layers(5)
    parts[2].image[...] += star(1.5).astype(np.float32)
    streak = np.zeros(SHAPE, np.float32)
    streak[10:13] = 15.0
    parts[4].image[...] += streak
    made, count = together(parts)
    assert np.abs(made.image / np.sqrt(made.variance)).max() < 5.5
    assert count[35, 40] == 4 and (count[11] <= 4).mean() > 0.9
    # Where nothing was, next to nothing is lost.
    assert (count[60:] == 5).mean() > 0.98


def test_a_star_keeps_its_flux_in_changing_seeing():
    widths = (1.2, 1.5, 1.7, 1.9, 1.6, 1.3)
    parts = [layers(1, seed=k, sky=star(w))[0] for k, w in enumerate(widths)]
    made, count = together(parts, widths=widths)
    stamp = np.s_[20:51, 25:56]
    assert made.image[stamp].sum() == pytest.approx(20000.0, rel=0.01)
    assert (count[30:41, 35:46] == 6).all()
    assert not (made.mask & bit("SUSPECT")).any()


def test_planes_of_the_inputs():
    parts = layers(4, sky=star(1.5))
    parts[0].mask[60, :] = bit("CR")
    parts[1].mask[35, 40] = bit("CR")
    for part in parts:
        part.mask[5, :] = bit("BAD")
        part.mask[70:, :] = bit("NO_DATA")
    parts[3].mask[34:37, 39:42] = bit("SAT")
    made, count = together(parts)
    # Another visit has the sky; a source keeps its repaired pixels.
    assert (made.mask[60] == 0).all() and (count[60] <= 3).all()
    assert count[35, 40] == 3 and made.mask[35, 40] == bit("SAT")
    # Nothing better is there.
    assert (made.mask[5] & bit("BAD") != 0).all() and (count[5] == 4).all()
    assert (made.mask[70:] == bit("NO_DATA")).all() and (made.image[70:] == 0.0).all()


@pytest.mark.parametrize(("width", "count_there"), [(16, 5), (9, 5), (3, 6)])
def test_a_star_in_a_hole_of_one_visit_comes_from_the_others(width, count_there):
    """What the hole was filled with knows no star; a column or two are filled well enough."""
    parts = layers(6, sky=star(1.5))
    hole = np.s_[35 - width // 2 : 36 + width // 2, 40 - width // 2 : 41 + width // 2]
    parts[2].mask[hole] = bit("BAD")
    if width > 3:
        parts[2].image[hole] = 0.0
    made, count = together(parts)
    assert made.image[20:51, 25:56].sum() == pytest.approx(20000.0, rel=0.01)
    assert count[35, 40] == count_there


def test_a_source_where_the_sharpest_visit_ends_is_suspect():
    widths = (1.0, 1.8, 1.8, 1.8)
    parts = [layers(1, seed=k, sky=star(w))[0] for k, w in enumerate(widths)]
    parts[0].mask[:, :45] = bit("NO_DATA")
    made, _ = together(parts, widths=widths)
    assert made.mask[35, 40] == bit("SUSPECT")
    assert made.mask[70, 10] == 0


SKY = SkyMap(((0.0, 5.0),), radius=0.05, patches=1)


def exposure(visit, value=10.0, zero_point=31.4, box=(0, 0), detector=0):
    wcs = tract_wcs(SKY, 0)
    from skyassay.pipeline.coadd.patches import shifted
    from skyassay.pipeline.coadd.warp import Box

    shape = (120, 140)
    own = shifted(wcs, Box(box[0], box[0] + shape[1], box[1], box[1] + shape[0]))
    return Exposure(
        np.full(shape, value, np.float32),
        np.zeros(shape, np.int32),
        np.full(shape, 4.0 * (1 + visit % 3), np.float32),
        metadata={
            "EXPID": visit,
            "DETECTOR": detector,
            "MJD-AVG": 60000.0 + visit,
            "EXPTIME": 30.0,
        },
        wcs=own,
        photo_calib=PhotoCalib(zero_point, 0.001),
        summary={"psfSigma": 1.5},
    )


def test_a_coadd_is_in_nanojansky_and_cut_to_its_data():
    wcs, box = tract_wcs(SKY, 0), patch_box(SKY, 0)
    # 2.5 mag deeper: ten times the counts.
    ones = [exposure(1, box=(500, 600)), exposure(2, 100.0, 33.9, box=(520, 600))]
    made = coadd(ones, wcs, box)
    good = (made.mask & bit("NO_DATA")) == 0
    np.testing.assert_allclose(made.image[good], 10.0, rtol=1e-4)
    # The window needs two pixels and three; rounding decides about one more.
    off = np.subtract(wcs.crpix, made.wcs.crpix)
    np.testing.assert_allclose(off, (502.0, 602.0), atol=1.01)
    np.testing.assert_allclose(off, np.rint(off), atol=1e-9)
    np.testing.assert_allclose(np.add(off, made.shape[::-1]), (657.0, 717.0), atol=1.01)
    assert made.wcs.crval == wcs.crval
    assert made.photo_calib.nanojansky == 1.0
    inputs = made.models[INPUTS]
    assert list(inputs["visits"]) == [1, 2]
    assert inputs["weights"].sum() == pytest.approx(1.0)
    assert inputs["count"].max() == 2 and inputs["count"][60, 2] == 1
    assert made.summary["nTemplateVisits"] == 2.0
    assert made.summary["meanEpoch"] == pytest.approx(
        np.average([60001.0, 60002.0], weights=inputs["weights"])
    )


def test_detectors_of_a_visit_are_one_input_and_their_order_does_not_matter():
    wcs, box = tract_wcs(SKY, 0), patch_box(SKY, 0)
    ones = [exposure(1, 1.0, box=(100, 100)), exposure(1, 2.0, box=(300, 100), detector=1),
            exposure(3, 3.0, box=(150, 100))]  # fmt: skip
    one, other = coadd(ones, wcs, box), coadd(ones[::-1], wcs, box)
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.mask, other.mask)
    assert one.summary["nTemplateVisits"] == 2.0


def test_no_overlap_and_no_calibration_are_named():
    wcs, box = tract_wcs(SKY, 0), patch_box(SKY, 0)
    with pytest.raises(CoaddError) as caught:
        coadd([exposure(1, box=(-5000, 0))], wcs, box)
    assert caught.value.code == "no_overlap"
    with pytest.raises(CoaddError) as caught:
        coadd([exposure(1).with_(photo_calib=None)], wcs, box)
    assert caught.value.code == "not_calibrated"
