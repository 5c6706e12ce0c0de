"""From raw frames to catalogs: what is there, of which type, and how near the truth it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table, vstack
from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline

from skyassay.pipeline import pipelines
from skyassay.pipeline.processing import process
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.repository import names

DETECTOR = {"instrument", "visit", "detector"}
VISIT = {"instrument", "visit"}
#: Dataset type -> dimensions that name one, and how many there are for 2 visits of 3 detectors.
PRODUCTS = {
    "preliminary_visit_image": (DETECTOR, 6),
    "single_visit_star_detector": (DETECTOR, 6),
    "single_visit_star": (VISIT, 2),
    "preliminary_visit_summary": (VISIT, 2),
    "preliminary_visit_detector_table": ({"instrument"}, 1),
    "preliminary_visit_table": ({"instrument"}, 1),
    "isolated_star": ({"skymap", "tract"}, 1),
    "isolated_star_association": ({"skymap", "tract"}, 1),
    "visit_summary": (VISIT, 2),
    "visit_image": (DETECTOR, 6),
    "source_detector": (DETECTOR, 6),
    "source_all": (VISIT, 2),
    "source": (VISIT, 2),
    "visit_detector_table": ({"instrument"}, 1),
    "visit_table": ({"instrument"}, 1),
}
TABLES = ("source", "visit_table", "visit_detector_table", "matched_source")
#: Columns of Rubin's measurement that are in no public schema; none has a unit.
UNPUBLISHED = {
    "detect_isPrimary", "detect_isDeblendedSource", "psfFlux_chi2", "gaussianFlux_apCorr",
    "shape_flag", "sky_flag", "pixelFlags_streak", "pixelFlags_streakCenter",
    "pixelFlags_nodataCenter", "x_y_Cov",
}  # fmt: skip


def tables(butler: Butler, name: str) -> Table:
    """Return all tables of a type, in the order of their data ids."""
    refs = sorted(butler.query_datasets(name, limit=None), key=lambda ref: ref.dataId)
    return vstack([butler.get(ref) for ref in refs], metadata_conflicts="silent")


@pytest.mark.parametrize(("name", "expected"), PRODUCTS.items())
def test_products_have_rubins_types_and_dimensions(survey, name, expected):
    dimensions, count = expected
    with survey.butler() as butler:
        refs = butler.query_datasets(name, limit=None)
        assert set(refs[0].datasetType.dimensions.required) - {"instrument"} == (
            dimensions - {"instrument"}
        )
        assert len(refs) == count
        assert all(butler.stored_many(refs).values())


@pytest.mark.parametrize("name", TABLES)
def test_tables_conform_to_their_schemas(survey, name):
    described = product(name)
    with survey.butler() as butler:
        table = tables(butler, name)
    assert len(table) > 0
    assert set(described.required) <= set(table.colnames)
    for column in table.colnames:
        known = described.column(described.canonical(column))
        if known is None:
            assert column in UNPUBLISHED, f"{name}.{column} is in no schema"
            continue
        kind = table[column].dtype
        if known.dtype == "string":
            assert kind.kind in "UO", column
        elif known.dtype == "timestamp":
            assert kind.kind == "M" or kind == np.int64, column
        else:
            assert kind == np.dtype(known.dtype), column
        stated = table[column].unit
        wanted = u.Unit(known.unit) if known.unit else None
        assert (stated or u.dimensionless_unscaled) == (wanted or u.dimensionless_unscaled), column
        if not known.nullable:
            assert not np.ma.is_masked(table[column]), column
            if kind.kind == "f":
                assert np.isfinite(table[column]).all(), column
    keys = Table({k: table[k] for k in described.key})
    assert len(np.unique(keys)) == len(table)


@pytest.mark.parametrize(
    ("name", "standard"),
    [("source", "Source"), ("visit_table", "Visit"), ("visit_detector_table", "VisitDetector")],
)
def test_columns_with_rubins_names_have_rubins_types_and_units(survey, name, standard):
    import felis

    schema = felis.Schema.from_uri(
        "resource://lsst.sdm.schemas/lsstcam.yaml", context={"id_generation": True}
    )
    (described,) = (t for t in schema.tables if t.name == standard)
    kinds = {"boolean": "b", "short": "i", "int": "i", "long": "i", "float": "f", "double": "f"}
    with survey.butler() as butler:
        table = tables(butler, name)
    shared = [c for c in described.columns if c.name in table.colnames]
    assert len(shared) >= 8
    for column in shared:
        values = table[column.name]
        if (kind := kinds.get(column.datatype.value)) is not None:
            assert values.dtype.kind == kind, column.name
            width = {"float": 4, "double": 8, "int": 4, "long": 8}.get(column.datatype.value, 1)
            assert values.dtype.itemsize >= width, column.name
        if stated := column.ivoa_unit or column.fits_tunit:
            assert values.unit is not None, column.name
            assert values.unit.is_equivalent(u.Unit(str(stated))), column.name
        if column.nullable is False:
            assert not np.ma.is_masked(values), column.name
            assert values.dtype.kind != "f" or np.isfinite(values).all(), column.name


@pytest.mark.parametrize("name", ["calibration.yaml", "DRP.yaml", "prompt.yaml"])
def test_no_task_can_read_the_truth(name):
    graph = Pipeline.fromFile(f"{Path(pipelines.__file__).with_name(name)}").to_graph()
    read = {
        edge.parent_dataset_type_name
        for task in graph.tasks.values()
        for edge in (*task.iter_all_inputs(), *task.init.iter_all_inputs())
    }
    assert read
    assert not [r for r in read if "truth" in r.lower()]


def test_no_collection_with_truth_is_searched(survey):
    with survey.butler() as butler:
        for chain in (names.DEFAULTS, names.OUTPUT, "SimCam/calib/runs"):
            found = butler.collections.query(chain, flatten_chains=True, include_chains=True)
            assert found
            assert names.TRUTH not in found
        # It is there, and a reader has to name it.
        assert butler.query_datasets("truth_star", names.TRUTH)
        assert not butler.query_datasets("truth_star", names.OUTPUT, explain=False)


def matched(survey) -> tuple[Table, Table]:
    """Return bright, clean stars and their truth, row by row."""
    with survey.butler() as butler:
        source = tables(butler, "source")
        truth = Table.from_pandas(butler.get("truth_source", collections=names.TRUTH).to_pandas())
    bright = source[
        (source["psfFlux"] > 200 * source["psfFluxErr"])
        & (source["extendedness"] == 0)
        & ~source["pixelFlags_saturated"]
        & ~source["pixelFlags_edge"]
        & ~source["psfFlux_flag"]
        & (source["deblend_nChild"] == 0)
    ]
    rows = []
    for star in bright:
        same = np.flatnonzero(
            (truth["visit"] == star["visit"]) & (truth["detector"] == star["detector"])
        )
        away = np.hypot(truth["x"][same] - star["x"], truth["y"][same] - star["y"])
        near = same[away < 15.0]
        alone = truth["flux"][near].max(initial=0.0) > 200 * truth["flux"][near].sum() / 201
        rows.append(same[np.argmin(away)] if alone and away.min() < 1.0 else -1)
    found = np.array(rows)
    return bright[found >= 0], truth[found[found >= 0]]


def test_bright_stars_are_where_and_what_they_are(survey):
    stars, truth = matched(survey)
    assert len(stars) > 60
    assert truth["isStar"].all()
    off = -2.5 * np.log10(np.asarray(stars["psfFlux"]) / np.asarray(truth["flux"]))
    assert abs(np.median(off)) < 0.005
    east = (stars["coord_ra"] - truth["coord_ra"]) * np.cos(np.radians(truth["coord_dec"]))
    for offset in (east, stars["coord_dec"] - truth["coord_dec"]):
        assert abs(np.median(offset)) * 3.6e6 < 10.0
    # Flux errors are in the right measure: a wrong gain is not a matter of a factor of 2.
    pulls = (stars["psfFlux"] - truth["flux"]) / stars["psfFluxErr"]
    assert 0.3 < np.std(pulls - np.median(pulls)) < 5.0


def test_zero_points_are_near_the_truth(survey):
    with survey.butler() as butler:
        images = tables(butler, "visit_detector_table")
        truth = butler.get("truth_visit_detector", collections=names.TRUTH).to_pandas()
    truth = truth.set_index(["visit", "detector"])["zeroPoint"]
    wanted = [truth[int(row["visit"]), int(row["detector"])] for row in images]
    assert np.max(np.abs(np.asarray(images["zeroPoint"]) - wanted)) < 0.010


def test_a_second_time_there_is_nothing_to_do(survey):
    with survey.butler() as butler:
        before = butler.collections.query("*")
    again = process(survey.repo, "release", workers=0)
    assert set(again.counts) == {"EXISTING"} and again.complete and again.registered == 0
    with survey.butler() as butler:
        assert butler.collections.query("*") == before


@pytest.mark.slow
def test_two_workers_make_the_same_tables_as_none(survey, copied, calibrate, tmp_path):
    from skyassay.pipeline.repository.ingest import ingest

    other = copied(tmp_path)
    ingest(other.repo, other.data)
    calibrate(other)
    assert process(other.repo, "release", workers=2).complete
    with survey.butler() as one, other.butler() as two:
        for name in (*TABLES, "source_all", "single_visit_star", "isolated_star", "visit_summary"):
            a, b = tables(one, name), tables(two, name)
            assert a.colnames == b.colnames
            for column in a.colnames:
                np.testing.assert_array_equal(np.asarray(a[column]), np.asarray(b[column]))
