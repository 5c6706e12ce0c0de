"""Tables are written as the stock formatter writes them."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.table import Column, MaskedColumn, QTable, Table
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow

from skyassay.pipeline.tables.formatter import to_arrow


def plain(n=3):
    table = Table()
    table["sourceId"] = Column(np.arange(n), unit=None, description="Identifier; unique: yes")
    table["psfFlux"] = Column(np.linspace(0, 1, n, dtype=np.float32), unit=u.nJy)
    table["ra"] = Column(np.full(n, np.nan), unit=u.deg, format=".7f")
    table["band"] = np.array(["r", "i", "r"] * n)[:n].astype("U1") if n else np.zeros(0, "U1")
    table["rate"] = Column(np.zeros(n), unit="mag / arcsec2")
    table["flag"] = np.zeros(n, dtype=bool)
    return table


def with_meta():
    table = plain()
    table.meta = {"LSST.BUTLER.ID": "abc: def", "numbers": [1, 2], "skymap": {"a": 1.5}}
    return table


def two_dimensional():
    table = plain()
    table["image"] = np.arange(12.0).reshape(3, 2, 2)
    return table


def masked():
    table = plain()
    table["chi2"] = MaskedColumn([1.0, 2.0, 3.0], mask=[False, True, False])
    return table


def of_another_byte_order():
    table = plain()
    table["x"] = np.arange(3, dtype=">f8")
    return table


def with_a_column_s_own_meta():
    table = plain()
    table["psfFlux"].meta = {"ucd": "phot.flux"}
    return table


def with_an_index_of_pandas():
    table = plain()
    table.meta = {"lsst::arrow::astropy_pandas_index": "sourceId"}
    return table


MADE = {
    "index of pandas": with_an_index_of_pandas,
    "plain": plain,
    "one row": lambda: plain(1),
    "no row": lambda: plain(0),
    "no column": Table,
    "meta": with_meta,
    "two dimensions": two_dimensional,
    "masked": masked,
    "big endian": of_another_byte_order,
    "meta of a column": with_a_column_s_own_meta,
    "quantities": lambda: QTable({"flux": np.arange(3) * u.nJy}),
    "bytes": lambda: Table({"name": np.array([b"ab", b"c"])}),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_as_the_stock_formatter(make):
    try:
        stock = astropy_to_arrow(make())
    except Exception as error:  # noqa: BLE001 - it then says the same of the same
        with pytest.raises(type(error)):
            to_arrow(make())
        return
    made = to_arrow(make())
    assert made.schema.equals(stock.schema, check_metadata=True)
    back, wanted = arrow_to_astropy(made), arrow_to_astropy(stock)
    assert back.meta == wanted.meta
    for name in wanted.colnames:
        np.testing.assert_array_equal(np.asarray(back[name]), np.asarray(wanted[name]))
        assert back[name].unit == wanted[name].unit
        assert back[name].description == wanted[name].description


def test_tables_of_one_layout_keep_their_own_numbers():
    first, second = plain(), plain()
    second["ra"] = Column([1.0, 2.0, 3.0], unit=u.deg, format=".7f")
    second.meta = {"visit": 2}
    to_arrow(first)
    assert to_arrow(second)["ra"].to_pylist() == [1.0, 2.0, 3.0]
    assert arrow_to_astropy(to_arrow(second)).meta == {"visit": 2}
    assert not arrow_to_astropy(to_arrow(first)).meta


def test_another_unit_is_another_layout():
    first, second = plain(), plain()
    second["ra"].unit = u.arcsec
    to_arrow(first)
    assert arrow_to_astropy(to_arrow(second))["ra"].unit == u.arcsec


def test_a_repository_writes_with_it(tmp_path):

    from skyassay.pipeline.repository.create import create, register_type

    with create(tmp_path / "repo", "tiny") as butler:
        kind = register_type(butler, "some_table", ("instrument",), "ArrowAstropy")
        butler.collections.register("u/test")
        ref = butler.put(with_meta(), kind, instrument="SimCam", run="u/test")
        record = butler.getURI(ref)
        back = butler.get(ref)
    stock = astropy_to_arrow(with_meta())
    assert pq.read_table(record.ospath).column_names == stock.column_names
    assert back["psfFlux"].unit == u.nJy
