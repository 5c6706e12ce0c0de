"""A fingerprint changes with what must hold, and with nothing else."""

from __future__ import annotations

import pytest

from skyassay.requirements_map.fingerprints import fingerprint


def test_known_digest():
    import hashlib

    text = '{"a": 5.0, "b": ["x"], "c": null}'
    assert (
        fingerprint({"b": ("x",), "a": 5, "c": None}) == hashlib.sha256(text.encode()).hexdigest()
    )


def test_numbers_and_white_space_are_canonical():
    assert fingerprint({"a": 5, "t": "x  y\n"}) == fingerprint({"t": "x y", "a": 5.0})
    assert fingerprint({"a": True}) != fingerprint({"a": 1})


def test_fingerprints_are_all_different(found):
    prints = [c.fingerprint for c in found.criteria.values()]
    prints += [r.fingerprint for r in found.requirements.values()]
    assert len(set(prints)) == len(prints)
    assert all(len(p) == 64 for p in prints)


def changed(found, documents):
    after = documents.build()
    return {
        k for k, c in found.criteria.items() if after.criteria[k].fingerprint != c.fingerprint
    }, {
        k
        for k, r in found.requirements.items()
        if after.requirements[k].fingerprint != r.fingerprint
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"levels": {"design": 5.1, "minimum": 8, "stretch": 3}},
        {"text": "Something else is asked for here."},
        {"unit": "mag"},
        {"op": "<"},
        {"bands": ["g", "r"]},
        {"population": "dataset"},
        {"abs": True},
        {"reading": "positions"},
    ],
)
def test_a_normative_change_marks_exactly_its_criterion(found, documents, fields):
    documents.criterion("LPM-17.PA1/gri").update(fields)
    assert changed(found, documents) == ({"LPM-17.PA1/gri"}, {"LPM-17.PA1"})


def test_a_changed_parameter_marks_what_binds_it(found, documents):
    documents.criterion("LPM-17.PA2/gri")["levels"]["design"] = 14
    criteria, requirements = changed(found, documents)
    assert criteria == {"LPM-17.PA2/gri", "LPM-17.PF1/gri"}
    assert requirements == {"LPM-17.PA2", "LPM-17.PF1"}


@pytest.mark.parametrize("field", ["note", "source", "metric"])
def test_what_is_not_normative_changes_nothing(found, documents, field):
    documents.criterion("LPM-17.PA1/gri")[field] = "other.thing.than_before"
    assert changed(found, documents) == (set(), set())


def test_descoping_and_rewording_change_the_requirement_alone(found, documents):
    documents.requirement("DMS-REQ-0030")["status"] = "descoped"
    assert changed(found, documents) == (set(), {"DMS-REQ-0030"})
