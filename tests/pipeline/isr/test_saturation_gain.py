"""A full well is a number of electrons: the limit in counts follows the measured gain."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.isr.calibrations import amplifier_numbers

DETECTOR = camera("tiny")[0]


def _ptc(gain: float) -> Table:
    names = [amp.name for amp in DETECTOR.amplifiers]
    n = len(names)
    columns = {"gain": [gain] * n, "readNoise": [6.0] * n, "saturation": [np.nan] * n}
    return Table({"amplifier": names, **columns})


@pytest.mark.parametrize("gain", [1.5, 1.6, 1.75])
def test_a_pixel_at_full_well_is_saturated_whatever_the_gain(gain):
    numbers = amplifier_numbers(DETECTOR, _ptc(gain), None)
    full = np.array([amp.saturation for amp in DETECTOR.amplifiers])
    # 1.5 % of non-linearity takes counts away at the top.
    assert np.all(numbers.full < 0.985 * full / gain)
    assert np.all(numbers.full > 0.85 * full / gain)
