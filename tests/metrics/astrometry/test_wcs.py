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
