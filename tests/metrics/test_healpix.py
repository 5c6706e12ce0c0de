"""Cells of the sky: nesting, the poles, where right ascension wraps."""

from __future__ import annotations

import numpy as np

from skyassay.metrics.healpix import cell_count, cells_of, centres_of, parents_of


def test_cells_nest_and_cover_the_sky() -> None:
    cells = np.arange(cell_count(3))
    ra, dec = centres_of(cells, 3)
    assert np.array_equal(cells_of(ra, dec, 3), cells)
    assert np.array_equal(cells_of(ra, dec, 1), parents_of(cells, 3, 1))
    # equal areas: the mean of sin(dec) over equal cells is that over the sphere
    assert abs(np.sin(np.radians(dec)).mean()) < 1e-12


def test_wrap_and_poles() -> None:
    ra = np.array([0.0, 360.0, 0.0, 123.0, 0.0])
    dec = np.array([10.0, 10.0, 90.0, 90.0, -90.0])
    cells = cells_of(ra, dec, 6)
    assert cells[0] == cells[1]
    assert {*cells[2:4].tolist()} <= {4**6 - 1, 2 * 4**6 - 1}
    assert cells[4] >= 8 * 4**6
    assert cells_of(np.empty(0), np.empty(0), 6).size == 0
