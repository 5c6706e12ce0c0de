"""The night's products from the database."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.prompt.associate import associate_image
from skyassay.pipeline.prompt.export import night_tables

A, B = (150.0, 2.0), (150.001, 2.001)
#: Number of the night whose visits the images of the world are.
DAY = 2026_11_01


def test_a_night_under_public_names(world):
    x, y = world.image(0, [A]).wcs.sky_to_pixel(*A)
    stars = [(float(x), float(y), 800.0)]
    for day, fluxes in enumerate(([900.0], [1000.0], [1400.0, 300.0])):
        image = world.image(day, [A, B][: len(fluxes)], stars=stars, fluxes=fluxes)
        associate_image(world.database, image, now=image.midpoint + 0.01)
    tables = night_tables(world.database, DAY)
    assert len(tables.sources) == 4
    assert set(tables.sources["diaObjectId"]) == set(tables.objects["diaObjectId"])
    row = tables.objects[tables.objects["nDiaSources"] == 3][0]
    assert row["r_psfFluxMAD"] == pytest.approx(100.0)
    assert row["r_psfFluxPercentile50"] == pytest.approx(1000.0)
    assert row["r_psfFluxLinearSlope"] == pytest.approx(250.0)
    assert row["r_psfFluxSigma"] == pytest.approx(np.std([900, 1000, 1400], ddof=1))
    assert np.isnan(row["i_psfFluxMAD"])
    # The fluxes' names change: on the difference, and on the image itself.
    forced = tables.forced[tables.forced["diaObjectId"] == row["diaObjectId"]]
    assert list(forced["psfDiffFlux"]) == pytest.approx([800.0] * 3, rel=1e-3)
    assert list(forced["psfFlux"]) == pytest.approx([1600.0] * 3, rel=1e-3)
    assert not forced["psfDiffFlux_flag"].any()


def test_types_are_those_of_the_products(world):
    associate_image(world.database, world.image(0, [A, B]))
    tables = night_tables(world.database, DAY)
    for name, table in (
        ("dia_source", tables.sources),
        ("dia_object", tables.objects),
        ("dia_object_forced_source", tables.forced),
    ):
        known = product(name).columns
        for column in table.itercols():
            described = known.get(column.name)
            if (
                described
                and described.dtype not in ("string", "timestamp")
                and not hasattr(column, "mask")
            ):
                assert column.dtype == np.dtype(described.dtype), (name, column.name)
    missing = set(product("dia_object").columns) - set(tables.objects.colnames)
    assert {n.split("_")[-1] for n in missing} <= {"radecMjdTai", "scienceFluxSigma"}


def test_other_nights_are_not_in_it(world):
    associate_image(world.database, world.image(0, [A]))
    tables = night_tables(world.database, DAY + 1)
    assert [len(t) for t in (tables.sources, tables.objects, tables.forced)] == [0, 0, 0]
