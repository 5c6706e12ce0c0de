"""The PSF of a coadd: moments are means of moments, axes are those of the coadd."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.coadd.psf import SeenPsf, mean_psf
from skyassay.pipeline.psf.model import PsfModel

SHAPE = (200, 300)


def psf(xx, xy, yy):
    return PsfModel(
        np.array([[xx, xy, yy]]),
        np.array([1.0, 2.0]),
        np.array([0.9, 0.1]),
        np.zeros((1, 1)),
        20,
        (100, 100),
    )


def test_the_mean_of_one_is_that_one():
    one = psf(4.0, 0.3, 5.0)
    made = mean_psf([SeenPsf(one, 10)], [1.0], SHAPE)
    assert made.shape == SHAPE
    assert made.image(7.2, 9.9) == pytest.approx(one.image(7.2, 9.9), abs=2e-5)


def test_the_mean_of_two_is_the_mean_of_their_stamps():
    a, b = psf(3.0, 0.0, 3.0), psf(5.0, 0.5, 4.0)
    made = mean_psf([SeenPsf(a, 10), SeenPsf(b, 10)], [3.0, 1.0], SHAPE)
    wanted = 0.75 * a.image(10.0, 10.0) + 0.25 * b.image(10.0, 10.0)
    assert made.image(10.0, 10.0) == pytest.approx(wanted, abs=2e-3 * wanted.max())
    assert made.image(10.3, 9.8).sum() == pytest.approx(1.0)


def test_nothing_has_no_psf():
    assert mean_psf([], [], SHAPE) is None
