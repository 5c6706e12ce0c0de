"""The night written by hand, and its tables."""

import pytest

from skyassay.verify.night.evidence import tables

from .night_making import night_tables, source_of


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """Return the tables of the night."""
    return tables(source_of(night_tables(), tmp_path_factory.mktemp("night")))


@pytest.fixture
def tell(tmp_path):
    """Return a function from changed products to the tables of that night."""

    def made(without=(), **changed):
        products = {n: t for n, t in night_tables().items() if n not in without}
        return tables(source_of(products | changed, tmp_path / "changed"))

    return made
