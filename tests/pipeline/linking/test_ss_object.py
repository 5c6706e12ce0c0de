"""The catalogue of new objects."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.linking import tables
from skyassay.pipeline.linking.daily import link_daily
from skyassay.pipeline.linking.options import LinkingOptions
from skyassay.pipeline.linking.products import products
from skyassay.pipeline.linking.ss_object import ss_object
from skyassay.pipeline.products.io import write_table


@pytest.fixture(scope="module")
def some(twin):
    """Return the links of thirty objects."""
    owner = twin["truth_moving_source"]["ssObjectId"]
    few = (owner > 0) & (owner <= 30)
    options = LinkingOptions(distances=(2.6, 3.2), radial=(0.0,))
    return link_daily({k: v[few] for k, v in twin["dia_source"].items()}, options)


def test_every_link_is_a_row_with_distance_and_magnitude(some):
    """H is near that of the orbit; ids start where asked."""
    table = ss_object(some, first_id=7)
    assert len(table) == len(some.links) > 10
    assert table["ssObjectId"].min() == 7
    assert np.isfinite(table["MOIDEarth"]).all()
    assert (table["MOIDEarth"] >= 0).all()
    assert (table["nObs"] == table["r_nObs"]).all()
    h = tables.orbits(some)["mpc_H"]
    assert np.median(np.abs(table["r_H"] + 0.21 - h)) < 0.15


def test_all_products_can_be_written(some, tmp_path):
    """Names, types and ids are those of the products."""
    made = products(some, first_id=100)
    for name, columns in made.items():
        assert write_table(tmp_path / f"{name}.parquet", name, columns).exists()
    assert set(made["linked_source"]["linkId"]) == set(made["ss_object"]["ssObjectId"])
    assert list(made["mpc_orbits"]["ssObjectId"]) == list(made["ss_object"]["ssObjectId"])
