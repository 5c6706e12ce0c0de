"""Tables of a Butler collection are measured as those of files are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from lsst.daf.butler import Butler, CollectionType

from skyassay.verify.butler.source import open_collection
from skyassay.verify.tables import open_tables

from .hands import CAMERA, DETECTORS, RUN, STARS, VISITS, open_again, register

NEEDS = {"matched_source": ("objectId", "visit", "coord_ra", "psfFlux")}


def test_products_by_rubins_names_and_what_is_made_of_them(made: Path) -> None:
    source = open_collection(str(made), RUN)
    assert set(source.products) == {
        "source",
        "visit_table",
        "matched_source",
        "raw_inventory",
        "calibration_inventory",
    }
    assert source.one("source").rows == 3 * (STARS + 3)
    assert source.one("matched_source").rows == 3 * STARS
    assert not [n for n in source.notes() if n.severity == "error"]
    (joined,) = [n.message for n in source.notes() if n.code == "joined"]
    assert "by source id" in joined
    assert f"{3 * STARS} rows have a star, 9 have none" in joined


def test_the_same_rows_as_from_files(made: Path, tmp_path: Path) -> None:
    source = open_collection(str(made), RUN)
    butler = Butler.from_config(str(made))
    for visit in VISITS:
        table = butler.get("source", instrument=CAMERA, visit=visit, collections=RUN)
        table.write(tmp_path / f"{visit}.parquet", format="parquet")
    files = open_tables({"source": tmp_path})
    needs = {"source": ("sourceId", "visit", "band", "coord_ra", "psfFlux")}
    for count in (1, 3):
        ours = list(source.partitions(needs, "visit", count))
        theirs = list(files.partitions(needs, "visit", count))
        for a, b in zip(ours, theirs, strict=True):
            for name in needs["source"]:
                np.testing.assert_array_equal(a["source"][name], b["source"][name])


def test_every_star_arrives_whole_and_as_itself(made: Path) -> None:
    source = open_collection(str(made), RUN)
    parts = [p["matched_source"] for p in source.partitions(NEEDS, "object", 3)]
    assert sum(len(p["objectId"]) for p in parts) == 3 * STARS
    for part in parts:
        for star in np.unique(part["objectId"]):
            rows = part["objectId"] == star
            assert sorted(part["visit"][rows]) == list(VISITS)
            # star 7000 + k stands at RA 10 + 0.01 k
            assert part["coord_ra"][rows] == pytest.approx(10.0 + 0.01 * (star - 7000))


def test_identity_is_that_of_the_datasets(made: Path, repo: Path) -> None:
    first = open_collection(str(made), RUN).identity()
    again = open_collection(str(repo), RUN).identity()
    assert {k: v["sha256"] for k, v in first.items()} == {k: v["sha256"] for k, v in again.items()}
    butler = Butler.from_config(str(repo), writeable=True, run=f"{RUN}/two")
    table = butler.get("source", instrument=CAMERA, visit=VISITS[0], collections=RUN)
    butler.put(table, "source", instrument=CAMERA, visit=VISITS[0])
    butler.collections.register("both", type=_chain())
    butler.collections.redefine_chain("both", [f"{RUN}/two", RUN])
    changed = open_again(repo, "both").identity()
    assert changed["source"]["rows"] == first["source"]["rows"]
    assert changed["source"]["sha256"] != first["source"]["sha256"]
    assert changed["matched_source"]["sha256"] != first["matched_source"]["sha256"]
    assert changed["visit_table"]["sha256"] == first["visit_table"]["sha256"]


def _chain():
    from lsst.daf.butler import CollectionType

    return CollectionType.CHAINED


def test_units_come_from_the_dataset(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True, run="other/units")
    table = butler.get("source", instrument=CAMERA, visit=VISITS[0], collections=RUN)
    table["coord_ra"] = np.radians(table["coord_ra"])
    table["coord_ra"].unit = "rad"
    butler.put(table, "source", instrument=CAMERA, visit=VISITS[0])
    (part,) = open_again(repo, "other/units").partitions({"source": ("coord_ra",)}, "visit", 1)
    assert np.sort(part["source"]["coord_ra"]) == pytest.approx(10.0 + 0.01 * np.arange(STARS + 3))


@pytest.mark.parametrize("storage", ["DataFrame", "ArrowNumpy", "AstropyTable"])
def test_other_storage_classes_are_converted(repo: Path, storage: str) -> None:
    run = f"other/{storage}"
    butler = Butler.from_config(str(repo), writeable=True, run=run)
    register(butler, "visit_detector_table", ("instrument",), storage)
    table = Table({"visit": [101, 101], "detector": [0, 1], "band": ["r", "r"]})
    made = {"DataFrame": table.to_pandas, "ArrowNumpy": table.as_array}.get(storage, lambda: table)
    butler.put(made(), "visit_detector_table", instrument=CAMERA)
    source = open_again(repo, run)
    needs = {"visit_detector_table": ("visit", "detector", "band")}
    (part,) = source.partitions(needs, "visit", 1)
    assert part["visit_detector_table"]["detector"].tolist() == [0, 1]
    assert part["visit_detector_table"]["band"].tolist() == ["r", "r"]


def test_preliminary_tables_stand_in_for_the_final_ones(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True, run="early")
    register(butler, "preliminary_visit_table", ("instrument",), "ArrowAstropy")
    butler.put(Table({"visit": [1], "band": ["r"]}), "preliminary_visit_table", instrument=CAMERA)
    source = open_again(repo, "early")
    assert source.one("visit_table").rows == 1
    assert str(source.identity()["visit_table"]["path"]).endswith("preliminary_visit_table")


def test_without_source_ids_sources_are_matched_by_position(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True)
    refs = butler.query_datasets("isolated_star_association", RUN)
    butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
    source = open_again(repo, RUN)
    (joined,) = [n.message for n in source.notes() if n.code == "joined"]
    assert "by position, within 0.5 arcsec" in joined
    assert source.one("matched_source").rows == 3 * STARS
    (part,) = source.partitions(NEEDS, "object", 1)
    found = part["matched_source"]
    assert found["coord_ra"] == pytest.approx(10.0 + 0.01 * (found["objectId"] - 7000))


def test_without_stars_nothing_is_matched(repo: Path) -> None:
    butler = Butler.from_config(str(repo), writeable=True)
    for name in ("isolated_star_association", "isolated_star"):
        refs = butler.query_datasets(name, RUN)
        butler.pruneDatasets(refs, purge=True, unstore=True, disassociate=True)
    source = open_again(repo, RUN)
    assert "matched_source" not in source.products
    assert source.absent("matched_source").code == "missing_product"


def test_inventories_count_what_the_registry_knows(made: Path) -> None:
    source = open_collection(str(made), RUN)
    needs = {
        "raw_inventory": ("visit", "detector", "band", "ingested"),
        "calibration_inventory": ("visit", "detector", "kind", "found", "end"),
    }
    (part,) = source.partitions(needs, "visit", 1)
    raw, calib = part["raw_inventory"], part["calibration_inventory"]
    assert len(raw["visit"]) == len(VISITS) * len(DETECTORS)  # the guider is no science detector
    lost = ~raw["ingested"]
    assert (raw["visit"][lost].tolist(), raw["detector"][lost].tolist()) == ([VISITS[2]], [1])
    assert set(raw["band"]) == {"r"}
    bias = calib["kind"] == "bias"
    found = calib["found"] & bias
    assert set(calib["visit"][found]) == set(VISITS[:2])  # valid until the third visit
    assert found.sum() == 2 * len(DETECTORS)
    assert np.unique(calib["end"][found]).tolist() == [61042.5]
    assert not calib["found"][~bias].any()
    assert bias.sum() * 7 == len(bias)


def test_a_night_has_not_lost_the_frames_of_other_nights(repo: Path) -> None:
    """Of its own day all count, also a visit that its tables do not name."""
    butler = Butler.from_config(str(repo), writeable=True, run="night")
    sync = butler.registry.syncDimensionData
    sync("day_obs", {"instrument": CAMERA, "id": 20260201})
    like = next(r for r in butler.query_dimension_records("exposure") if r.id == VISITS[0])
    other = like.toDict() | {"id": 990, "obs_id": "late", "day_obs": 20260201, "group": "late"}
    sync("group", {"instrument": CAMERA, "name": "late"})
    sync("exposure", {k: v for k, v in other.items() if v is not None})
    register(butler, "night_detector", ("instrument",), "ArrowAstropy")
    butler.put(Table({"visit": VISITS[:1], "detector": [0]}), "night_detector", instrument=CAMERA)
    butler.collections.register("chain", CollectionType.CHAINED)
    butler.collections.redefine_chain("chain", ["night", RUN])
    needs = {"raw_inventory": ("visit",)}
    (part,) = open_again(repo, "chain").partitions(needs, "visit", 1)
    assert set(part["raw_inventory"]["visit"]) == set(VISITS)
    (part,) = open_again(repo, RUN).partitions(needs, "visit", 1)
    assert set(part["raw_inventory"]["visit"]) == {*VISITS, 990}
