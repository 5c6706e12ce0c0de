"""What is entered into a repository, what is refused, and that again changes nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lsst.daf.butler import Butler

from skyassay.pipeline.repository import names
from skyassay.pipeline.repository.create import create
from skyassay.pipeline.repository.errors import RepositoryError
from skyassay.pipeline.repository.ingest import ingest


def test_frames_exposures_and_visits_are_entered_once(folder, tmp_path):
    done = ingest(tmp_path / "repo", folder)
    assert (done.exposures, done.raws, done.known, done.refused) == (3, 7, 0, ())
    again = ingest(tmp_path / "repo", folder)
    assert (again.raws, again.known) == (0, 7)
    with Butler.from_config(str(tmp_path / "repo"), collections=names.DEFAULTS) as butler:
        visits = butler.query_dimension_records("visit")
        assert [v.id for v in visits] == [2026010100001, 2026010100002]
        raw = butler.get("raw", instrument="SimCam", exposure=2026010100001, detector=2)
        assert raw.amps.dtype == np.uint16
        assert raw.header["DETECTOR"] == 2
        # A place on the second detector is in its region, and not in the others'.
        with butler.query() as query:
            there = query.where(
                "instrument='SimCam' AND visit_detector_region.region OVERLAPS POINT(60.0, -30.0)"
            )
            found = {d["detector"] for d in there.data_ids(["visit", "detector"])}
        assert found == {1}


def test_a_bad_header_and_a_bad_file_stop_nothing_else(folder, write, tmp_path):
    write(folder, 4, 0, RA=500.0)
    write(folder, 5, 0, FILTER="mud")
    write(folder, 6, 77)
    write(folder, 7, 0, **{"MJD-END": 1.0})
    write(folder, 8, 0, INSTRUME="OtherCam")
    (folder / "raw" / "zz.fits").write_bytes(b"nonsense")
    done = ingest(tmp_path / "repo", folder)
    assert done.raws == 7
    assert sorted(r.code for r in done.refused) == ["bad_header"] * 5 + ["unreadable_raw"]
    assert all(r.file in r.reason for r in done.refused)


def test_a_second_frame_of_the_same_exposure_is_refused(folder, write, tmp_path):
    first = folder / "raw" / "SC_20260101_000001_000.fits"
    (folder / "raw" / "copy.fits").write_bytes(first.read_bytes())
    done = ingest(tmp_path / "repo", folder)
    assert [r.code for r in done.refused] == ["duplicate_raw"]


def test_a_folder_without_frames(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RepositoryError, match="no raw frame") as caught:
        ingest(tmp_path / "repo", tmp_path / "empty")
    assert caught.value.code == "no_raws"
    assert not (tmp_path / "repo").exists()


def test_a_folder_that_is_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(RepositoryError) as caught:
        create(tmp_path / "mine", "tiny")
    assert caught.value.code == "not_a_repository"
    assert (tmp_path / "mine" / "letter.txt").read_text() == "keep"


def test_one_repository_has_one_layout(tmp_path):
    create(tmp_path / "repo", "tiny").close()
    with pytest.raises(RepositoryError) as caught:
        create(tmp_path / "repo", "small")
    assert caught.value.code == "other_layout"


def test_references_are_found_by_place_and_truth_is_apart(folder, tmp_path):
    (folder / "reference").mkdir()
    (folder / "truth").mkdir()
    stars = {"id": np.arange(3), "coord_ra": [60.0, 60.1, 10.0], "coord_dec": [-30.0, -30.1, 5.0]}
    pq.write_table(pa.table(stars), folder / "reference" / "reference_star.parquet")
    pq.write_table(pa.table({"objectId": [1]}), folder / "truth" / "truth_star.parquet")
    done = ingest(tmp_path / "repo", folder)
    assert done.references == 3
    assert done.truth == ("truth_star",)
    assert ingest(tmp_path / "repo", folder).references == 0
    with Butler.from_config(str(tmp_path / "repo"), collections=names.DEFAULTS) as butler:
        shards = butler.query_datasets(names.REFERENCE)
        assert sum(len(butler.get(ref)) for ref in shards) == 3
        assert not butler.query_datasets("truth_star", explain=False)
        assert butler.query_datasets("truth_star", names.TRUTH)
