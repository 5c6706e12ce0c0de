"""Coordinates of CCD images: the smooth error, without the noise of single stars."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator.samples.astrometry import RAYLEIGH_95, draw_wcs
from skyassay.simulator.samples.model import Draw

METRIC = "astrometry.wcs.accuracy"


def measured(tables, least=None):
    plugin = make(METRIC)
    at = {} if least is None else {"astrometricMinStandards": {"r": (least,)}}
    (found,) = plugin.finish(plugin.fold(tables), at)
    return found


def images(target=40.0, size=24, seed=3):
    return dict(draw_wcs(Draw({"": target}, size, seed)))


def test_the_length_that_few_images_exceed_is_found():
    found = measured(images())
    assert found.value == pytest.approx(40.0, rel=0.3)
    assert found.interval.low < 40.0 < found.interval.high
    assert found.at == {"astrometricMinStandards": 5.0}
    assert found.diagnostics["n_images"] == 96


def test_noise_and_wrong_matches_of_single_stars_are_taken_out():
    tables = images()
    source = dict(tables["matched_source"])
    wrong = np.arange(len(source["visit"])) % 5 == 2
    source["coord_dec"] = source["coord_dec"] + np.where(wrong, 400.0 / 3.6e6, 0.0)
    plain, spoilt = measured(tables), measured({**tables, "matched_source": source})
    assert spoilt.value == pytest.approx(plain.value, rel=0.02)


def test_images_with_too_few_reference_stars_do_not_count():
    tables = images()
    assert measured(tables, 5.0).status == "MEASURED"
    found = measured(tables, 6.0)
    assert (found.status, found.reason) == ("NOT_MEASURED", "too_few_images")


def test_a_constant_offset_counts():
    tables = images(target=1.0)
    source = dict(tables["matched_source"])
    source["coord_dec"] = source["coord_dec"] + 60.0 / 3.6e6
    value = measured({**tables, "matched_source": source}).value
    assert value == pytest.approx(60.0, abs=1.5 / RAYLEIGH_95 * 2)


def crowded(stars=30, visits=8, detectors=5, seed=4):
    """Images with many reference stars on one patch of sky, errors of 10 mas."""
    draw = np.random.default_rng(seed)
    ra = (
        50.0
        + 0.2 * np.repeat(np.arange(detectors), stars)
        + draw.uniform(0, 0.2, stars * detectors)
    )
    dec = draw.uniform(-10.0, -9.8, stars * detectors)
    number, visit = (a.ravel() for a in np.indices((len(ra), visits)))
    noise = draw.normal(size=(2, number.size)) * 10.0 / 3.6e6
    source = {
        "objectId": number + 1,
        "visit": visit + 1,
        "detector": number // stars,
        "band": np.full(number.size, "r"),
        "coord_ra": ra[number] + noise[0],
        "coord_dec": dec[number] + noise[1],
        "psfFlux": np.full(number.size, 1e5),
        "psfFluxErr": np.full(number.size, 1e2),
        "extendedness": np.zeros(number.size),
        "epochMjdTai": np.full(number.size, 60000.0),
    }
    reference = {
        "id": np.arange(len(ra)),
        "coord_ra": ra,
        "coord_dec": dec,
        "epochMjdTai": np.full(len(ra), 60000.0),
        "pmRa": np.zeros(len(ra)),
        "pmDec": np.zeros(len(ra)),
    }
    return {"matched_source": source, "reference_star": reference}


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_images_so_far_off_that_nothing_matches_are_not_left_out_in_silence(share):
    tables = crowded()
    sound = measured(tables)
    assert (sound.status, sound.diagnostics["n_images"]) == ("MEASURED", 40)
    source = tables["matched_source"]
    image = source["visit"] * 100 + source["detector"]
    names = np.unique(image)
    chosen = np.random.default_rng(1).permutation(names)[: int(share * len(names))]
    off = np.where(np.isin(image, chosen), 3.0 / 3600.0, 0.0)
    wrong = {**source, "coord_dec": source["coord_dec"] + off}
    found = measured({**tables, "matched_source": wrong})
    assert (found.status, found.reason) == ("NOT_MEASURED", "images_unmatched")


def test_images_beyond_the_reference_catalogue_are_not_lost():
    tables = crowded()
    source = tables["matched_source"]
    far = {n: c.copy() for n, c in source.items()}
    far["coord_dec"], far["visit"] = far["coord_dec"] + 20.0, far["visit"] + 50
    both = {n: np.concatenate([source[n], far[n]]) for n in source}
    assert measured({**tables, "matched_source": both}).value == measured(tables).value
