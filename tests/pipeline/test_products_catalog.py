"""Product names, columns and aliases; the packaged extract against the installed schemas."""

import pytest
from astropy import units as u

from skyassay.pipeline.products import ProductError, bands, canonical, product, products
from skyassay.pipeline.products.felis_schema import (
    TABLES,
    packaged_path,
    read_rows,
    rows_from_felis,
)


@pytest.fixture(scope="module")
def felis_rows():
    return rows_from_felis()


def test_packaged_extract_equals_the_installed_schemas(felis_rows):
    with packaged_path().open(encoding="utf-8") as stream:
        assert read_rows(stream) == felis_rows


def test_every_unit_is_an_astropy_unit_and_every_type_is_known():
    known = ["bool", "int16", "int32", "int64", "float32", "float64", "string", "timestamp"]
    for name in products():
        for column in product(name).columns.values():
            u.Unit(column.unit)
            assert column.dtype in known, (name, column.name)


def test_every_alias_leads_to_a_column_and_hides_its_own_spelling():
    for name in products():
        for spelling, alias in product(name).aliases.items():
            assert alias.column in product(name).columns
            assert spelling not in product(name).columns


def test_aliases_that_a_release_spells_carry_that_releases_unit(felis_rows):
    by_name = {(row.product, row.column): row for row in felis_rows}
    residual = product("ss_source").aliases["residualRa"]
    assert (residual.column, residual.unit) == ("ephOffsetRa", "deg")
    assert by_name["ss_source", "residualRa"].releases == "dp1"
    assert product("ss_source").columns["ephOffsetRa"].unit == "arcsec"


@pytest.mark.parametrize(
    ("name", "spelling", "ours"),
    [
        ("matched_source", "ra", "coord_ra"),
        ("matched_source", "dec", "coord_dec"),
        ("matched_source", "visitId", "visit"),
        ("matched_source", "isolated_star_id", "objectId"),
        ("matched_source", "midpointMjdTai", "expMidptMJD"),
        ("source", "ra", "coord_ra"),
        ("visit_table", "ra", "ra"),
        ("visit_detector_table", "visitId", "visit"),
        ("dia_source", "coord_ra", "ra"),
        ("ss_object", "numObs", "nObs"),
        ("source", "what_is_this", "what_is_this"),
    ],
)
def test_canonical(name, spelling, ours):
    assert canonical(name, spelling) == ours


def test_matched_source_is_what_the_metrics_read():
    matched = product("matched_source")
    needed = "objectId visit band coord_ra coord_dec psfFlux psfFluxErr extendedness"
    assert matched.required == tuple(needed.split())
    units = {n: matched.columns[n].unit for n in ("coord_ra", "psfFlux", "ixx", "expMidptMJD")}
    assert units == {"coord_ra": "deg", "psfFlux": "nJy", "ixx": "pixel**2", "expMidptMJD": "d"}
    assert matched.column("pixelFlags_made_up").dtype == "bool"
    assert matched.column("nothing_like_it") is None
    assert set(matched.key) <= set(matched.required)


def test_rubin_products_are_all_there():
    assert set(TABLES) <= set(products())
    assert bands() == ("u", "g", "r", "i", "z", "y")


def test_unknown_product_names_the_near_one():
    with pytest.raises(ProductError, match="matched_sources") as caught:
        product("matched_sources")
    assert caught.value.code == "unknown_product"
    assert caught.value.exit_code == 4
    assert "Did you mean matched_source?" in caught.value.hint
    assert "truth_star" in caught.value.hint
