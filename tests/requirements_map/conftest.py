"""Copies of the packaged documents that a test may change, and what stands around them."""

from __future__ import annotations

import copy

import pytest

from skyassay.requirements_map import load
from skyassay.requirements_map.building import build
from skyassay.requirements_map.findings import MetricFacts
from skyassay.requirements_map.loading import DOCUMENTS, packaged_nodes
from skyassay.requirements_map.reading import check_document, data_path, read_document
from skyassay.requirements_map.verification import elements_of


class Documents:
    """The packaged documents as plain data."""

    def __init__(self, content):
        self.content = content

    def requirement(self, key):
        return next(r for d in self.content.values() for r in d["requirements"] if r["id"] == key)

    def criterion(self, key):
        requirement, name = key.split("/")
        return next(c for c in self.requirement(requirement)["criteria"] if c["name"] == name)

    def build(self, more=()):
        parts = [(n, True, check_document(d, n)) for n, d in self.content.items()]
        others = [(f"extra {i}", False, check_document(d, "extra")) for i, d in enumerate(more)]
        return build([*parts, *others], nodes=packaged_nodes(), elements=elements_of())


@pytest.fixture(scope="session")
def pristine():
    return {name: read_document(data_path(f"{name}.yaml")) for name in DOCUMENTS}


@pytest.fixture
def documents(pristine):
    return Documents(copy.deepcopy(pristine))


@pytest.fixture(scope="session")
def found():
    return load()


@pytest.fixture
def metrics(found):
    """Metrics that agree with every criterion that names one."""
    named = {c.metric for c in found.criteria.values() if c.metric}
    return [honest_metric(found, m) for m in sorted(named)]


def honest_metric(found, key):
    served = found.measured_by(key)
    at_units = {
        parameter: next(iter(next(iter(bands.values())).values()))[1]
        for c in served
        for parameter, bands in c.at.items()
    }
    unit = next((c.unit for c in served if c.kind == "value"), "")
    return MetricFacts(key, unit, tuple(c.id for c in served), at_units=at_units)


@pytest.fixture
def extra_document():
    """A small document as a plug-in would offer it."""
    return {
        "schema": "skyassay.requirements-source/1",
        "document": {
            "id": "SIMCAM-1",
            "title": "Requirements of a user",
            "revision": "1",
            "url": "https://example.org/simcam",
            "levels": ["given"],
            "binding_level": "given",
        },
        "requirements": [
            {
                "id": "SIMCAM-1.Median",
                "title": "Median flux",
                "text": "The median flux has to stay where it was.",
                "section": "1",
                "method": "test",
                "owner": "a user",
                "group": "Photometry",
                "parents": ["LPM-17.PA1"],
                "criteria": [
                    {
                        "name": "value",
                        "text": "Median of the fluxes, in nanojansky.",
                        "metric": "example.flux.median",
                        "op": "<=",
                        "levels": {"given": 3},
                        "unit": "nJy",
                        "population": "dataset",
                    }
                ],
            }
        ],
    }
