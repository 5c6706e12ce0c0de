"""The catalogue of new objects."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.linking import tables
from skyassay.pipeline.linking.daily import link_daily
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.ss_object import ss_object
from skyassay.pipeline.products.io import write_table


@pytest.fixture(scope="module")
def some(twin):
    """Return the links of thirty objects."""
    owner = twin["truth_moving_source"]["ssObjectId"]
    few = (owner > 0) & (owner <= 30)
    options = LinkingOptions(distances=(2.6, 3.2), radial=(0.0,))
    return link_daily({k: v[few] for k, v in twin["dia_source"].items()}, options)


def test_every_link_is_a_row_with_distance_and_magnitude(some, tmp_path):
    """As the product's columns say; H is near that of the orbit."""
    table = ss_object(some, first_id=7)
    assert len(table) == len(some.links) > 10
    assert table["ssObjectId"].min() == 7
    assert np.isfinite(table["MOIDEarth"]).all()
    assert (table["MOIDEarth"] >= 0).all()
    assert (table["nObs"] == table["r_nObs"]).all()
    h = tables.orbits(some)["mpc_H"]
    assert np.median(np.abs(table["r_H"] + 0.21 - h)) < 0.15
    write_table(tmp_path / "a.parquet", "ss_object", {c: table[c].data for c in table.colnames})


def test_orbits_can_be_written(some, tmp_path):
    """They are the product `mpc_orbits`."""
    table = tables.orbits(some)
    path = write_table(
        tmp_path / "o.parquet", "mpc_orbits", {c: np.asarray(table[c]) for c in table.colnames}
    )
    assert path.exists()
