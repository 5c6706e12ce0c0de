"""A real catalogue of three visits with published values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from skyassay.metrics.contract import Column
from skyassay.metrics.selection import COLUMNS

pytestmark = pytest.mark.real
PHOT, REL = "photometry.repeatability.", "astrometry.relative."


@pytest.fixture(scope="module")
def catalog(real_data):
    """Read the columns the metrics read."""
    frame = pd.read_parquet(real_data / "hsc_i_matched_source.parquet")
    names = [c.name for c in COLUMNS if isinstance(c, Column) and c.name in frame]
    return {name: frame[name].to_numpy() for name in names}


@pytest.mark.parametrize(
    ("metric", "at", "value", "n"),
    [
        (PHOT + "pa1", {}, 6.8097958, 24),
        (PHOT + "pf1", {"PA2": {"i": (15.0,)}}, 11.1111111, 24),
        (REL + "am1", {}, 7.1421312, 2775),
        (REL + "ad1", {"AF1": {"i": (10.0,)}}, 15.6088877, 2775),
        (REL + "af1", {"AD1": {"i": (20.0,)}}, 6.2111801, 2775),
    ],
)
def test_published_values(catalog, measure_one, metric, at, value, n) -> None:
    found = measure_one(metric, catalog, "faro", at=at)
    assert found.value == pytest.approx(value, rel=1e-7)
    assert found.n == n


def test_pa1_with_the_other_degrees_of_freedom(catalog, measure_one) -> None:
    faro = measure_one(PHOT + "pa1", catalog, "faro").value
    assert faro * np.sqrt(1.5) == pytest.approx(8.3402625, rel=1e-7)


def test_published_values_do_not_depend_on_the_order(catalog, measure_one, taken) -> None:
    shuffled = taken(catalog, np.random.default_rng(1).permutation(len(catalog["visit"])))
    for metric in (PHOT + "pa1", REL + "am1"):
        for recipe in ("srd", "faro", "validate_drp", "analysis_tools"):
            assert measure_one(metric, shuffled, recipe) == measure_one(metric, catalog, recipe)


def test_three_visits_cannot_show_five_millimagnitudes(catalog, measure_one) -> None:
    found = measure_one(PHOT + "pa1", catalog)
    assert found.status == "MEASURED"
    assert found.interval.low < found.value < found.interval.high
    assert found.interval.upper > 5.0
    assert found.n > 24


@pytest.mark.parametrize("name", ["pf1", "pa2"])
def test_no_photometric_tail_passes_with_three_visits(catalog, measure_one, name) -> None:
    found = measure_one(PHOT + name, catalog)
    limit = {"pf1": 10.0, "pa2": 15.0}[name]
    assert found.interval.upper > limit


def _readable(metric, catalog) -> bool:
    columns = metric.inputs["matched_source"]
    return all(c.optional or c.name in catalog for c in columns)


def test_every_metric_of_the_default_recipe_answers(catalog) -> None:
    from skyassay.metrics.registry import load_metrics, make

    readers = [n for n, p in load_metrics().items() if set(p.inputs) == {"matched_source"}]
    assert len(readers) > 18
    for name in readers:
        metric = make(name)
        if not _readable(metric, catalog):
            continue
        for found in metric.finish(metric.fold({"matched_source": catalog}), {}):
            assert (found.status == "MEASURED") == (found.value is not None)
            assert found.status == "MEASURED" or found.reason
