"""What is added to a night's tables has the units of its product."""

import numpy as np
import pytest
from astropy import units as u
from lsst.daf.butler import Butler, CollectionType

from skyassay.pipeline.night import add_table
from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import create
from skyassay.pipeline.repository.errors import RepositoryError

ROWS = {"night": np.array([20260122]), "report": np.array(["data_quality"]), "hours": np.ones(1)}


def test_a_table_is_put_beside_the_others_with_units(tmp_path):
    with create(tmp_path / "repo", "tiny") as butler:
        with pytest.raises(RepositoryError, match="has no night"):
            add_table(tmp_path / "repo", "night_report", ROWS)
        butler.collections.register(f"{names.NIGHT}/1")
        butler.collections.register(names.NIGHT, CollectionType.CHAINED)
        butler.collections.redefine_chain(names.NIGHT, [f"{names.NIGHT}/1"])
    add_table(tmp_path / "repo", "night_report", ROWS)
    with Butler.from_config(str(tmp_path / "repo"), collections=names.NIGHT) as butler:
        table = butler.get("night_report", instrument="SimCam")
    assert table["hours"].unit == u.h
    assert table["night"].tolist() == [20260122]
