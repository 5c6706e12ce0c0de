"""Layouts: separations, boxes that tile a detector, errors."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.instrument.camera import amplifiers
from skyassay.pipeline.instrument.errors import InstrumentError
from skyassay.pipeline.instrument.layouts import camera, layouts


@pytest.mark.parametrize("layout", layouts())
def test_amplifiers_tile_the_detector_once(layout):
    for detector in camera(layout).detectors[:3]:
        seen = np.zeros((detector.ny, detector.nx), dtype=int)
        for amp in detector.amplifiers:
            seen[amp.box] += 1
        assert np.all(seen == 1)


@pytest.mark.parametrize("layout", layouts())
def test_ids_and_names_are_single_and_detectors_do_not_overlap(layout):
    found = camera(layout)
    assert len({d.id for d in found.detectors}) == len(found.detectors)
    assert len({d.name for d in found.detectors}) == len(found.detectors)
    for k, one in enumerate(found.detectors):
        for other in found.detectors[:k]:
            wide = (one.nx + other.nx) / 2 * found.pixel_scale / 3600
            assert max(abs(one.x - other.x), abs(one.y - other.y)) >= wide


def test_small_has_pairs_at_5_20_and_200_arcmin_within_the_field():
    found = camera("small").detectors
    places = np.array([(d.x, d.y) for d in found]) * 60.0
    apart = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    for wanted in (5.0, 20.0, 200.0):
        assert np.any(np.abs(apart - wanted) < 0.01)
    assert np.max(np.hypot(*places.T)) < 1.85 * 60.0


def test_lsst_has_189_detectors_of_4k():
    found = camera("lsst").detectors
    assert len(found) == 189
    assert {(d.nx, d.ny, len(d.amplifiers)) for d in found} == {(4096, 4096, 16)}


def test_errors_name_what_there_is():
    with pytest.raises(InstrumentError, match="no camera layout"):
        camera("huge")
    with pytest.raises(InstrumentError, match="no detector 99"):
        camera("tiny")[99]
    with pytest.raises(InstrumentError) as caught:
        amplifiers(1000, 1000, 3)
    assert caught.value.code == "bad_layout"
