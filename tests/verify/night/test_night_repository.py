"""A night whose tables lie in several runs of a repository."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table
from lsst.daf.butler import Butler, CollectionType, DatasetType

from skyassay.verify.butler.opening import open_repository
from skyassay.verify.butler.source import open_collection
from skyassay.verify.night.evidence import tables

from .night_making import COST, VISITS, night_tables

CHAIN = ("Hand/alerts", "Hand/frames", "Hand/release", "Hand/injected")


def part(table, use):
    return {name: column[use] for name, column in table.items()}


def runs_of(products):
    """Return (run, dataset type) -> rows: frames, alerts and a release, each with its own."""
    work, visits, images = (
        products[n] for n in ("quantum_summary", "visit_table", "visit_detector_table")
    )
    last = work["label"] == "associateApdb"
    again = work["label"] == "isr"
    before, before_images = visits["visit"] < VISITS[0], images["visit"] < VISITS[0]
    # A rerun finds the frames done and does not know what they cost.
    rerun = part(work, last | again)
    existing = rerun["label"] == "isr"
    rerun["status"] = np.where(existing, "EXISTING", rerun["status"])
    rerun["seconds"] = np.where(existing, np.nan, rerun["seconds"])
    other = part(work, ~last)
    return {
        ("Hand/alerts", "quantum_summary"): rerun,
        ("Hand/frames", "quantum_summary"): part(work, ~last),
        ("Hand/injected", "quantum_summary"): other | {"seconds": other["seconds"] + 100.0},
        ("Hand/frames", "preliminary_visit_table"): part(visits, ~before),
        ("Hand/release", "visit_table"): part(visits, before),
        ("Hand/frames", "preliminary_visit_detector_table"): part(images, ~before_images),
        ("Hand/release", "preliminary_visit_detector_table"): part(images, before_images),
        ("Hand/release", "visit_detector_table"): part(images, before_images)
        | {"zeroPoint": np.zeros(int(before_images.sum()))},
        ("Hand/alerts", "night_detector"): products["night_detector"],
        ("Hand/alerts", "alert_delivery"): products["alert_delivery"],
    }


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    root = str(tmp_path_factory.mktemp("butler") / "repo")
    Butler.makeRepo(root)
    butler = Butler.from_config(root, writeable=True)
    sync = butler.registry.syncDimensionData
    sync("instrument", {"name": "Hand", "class_name": "hand.Cam", "detector_max": 9})
    for (run, name), rows in runs_of(night_tables()).items():
        kind = DatasetType(name, ("instrument",), "ArrowAstropy", universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        butler.collections.register(run)
        butler.put(Table(rows, masked=True), name, instrument="Hand", run=run)
    butler.collections.register("Hand/night", CollectionType.CHAINED)
    butler.collections.redefine_chain("Hand/night", CHAIN)
    open_repository.cache_clear()
    return tables(open_collection(root, "Hand/night"))


def test_visits_are_those_of_the_night_and_not_of_the_release(night) -> None:
    assert night["visits"]["seeing"].tolist() == pytest.approx([0.8, 0.81, 0.82, 0.83])
    assert "other_visits" not in set(night["gaps"]["code"])


def test_work_is_gathered_from_the_runs_that_did_it(night) -> None:
    for _, stages in night["waterfall"].groupby("visit"):
        assert stages["seconds"].tolist()[1:-1] == list(COST)


def test_earlier_visits_are_compared_as_they_were_known_then(night) -> None:
    bad = night["trend"][night["trend"]["flagged"]]
    assert set(bad["detector"]) == {1}
    assert bad["left"].to_numpy() == pytest.approx(-0.05, abs=0.005)
