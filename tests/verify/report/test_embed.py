"""Figures in a page: the same models as Bokeh writes itself, and the collector left as it was."""

from __future__ import annotations

import gc
import json
import re

import numpy as np
import pytest
from bokeh.document import Document

from skyassay.verify.report import embed as embedding
from skyassay.verify.report.gallery import groups
from skyassay.verify.report.model import collect
from skyassay.verify.report.relation_plots import map_plot
from skyassay.verify.report.relations import Map
from skyassay.verify.store import open_store


@pytest.fixture(scope="module")
def plots(filled):
    with open_store(filled) as store:
        report = collect(store, "run-3")
    found = [item.plot for group in groups(report) for item in group.figures]
    grid = np.arange(3.0)
    sky = Map(
        "sky", "right ascension (deg)", "dec (deg)", grid, grid, 1.0, grid, np.ones(3, dtype=int)
    )
    return [*found, map_plot(sky, "single value (mmag)")]


def models(roots):
    """Return every model by its id, with references in place of models in it."""
    found = {}

    def walk(value):
        if isinstance(value, list):
            return [walk(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("type") != "object" or "id" not in value:
            return {key: walk(one) for key, one in value.items()}
        found[value["id"]] = None  # its place is taken before those of its parts
        found[value["id"]] = (value["name"], walk(value.get("attributes", {})))
        return {"id": value["id"]}

    walk(roots)
    return found


def test_the_models_are_those_that_bokeh_writes(plots):
    sparse = models(embedding._serializer().encode(list(plots)))
    document = Document()
    with document.models.freeze():
        for plot in plots:
            document.add_root(plot)
    assert len(sparse) > 200
    assert sparse == models(document.to_json(deferred=False)["roots"])


def test_every_figure_has_one_place_and_one_root(plots):
    script, divs = embedding.embed(plots)
    assert [re.findall(r'data-root-id="(\w+)"', div) for div in divs] == [[p.id] for p in plots]
    assert len({re.findall(r' id="([\w-]+)"', div)[0] for div in divs}) == len(plots)
    items = json.loads(re.search(r"render_items = (\[.*?\]);", script).group(1))
    assert list(items[0]["roots"]) == [plot.id for plot in plots]
    assert embedding.embed([]) == ("", [])


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_is_left_as_it_was(enabled):
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError), embedding.uncollected():
            assert not gc.isenabled()
            1 / 0  # noqa: B018
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
