"""The loader is strict: what is not right does not load, with the right code."""

from __future__ import annotations

import pytest

from skyassay.requirements_map import RequirementsError, load, loading
from skyassay.requirements_map.reading import read_document, read_yaml


def code_of(call):
    with pytest.raises(RequirementsError) as caught:
        call()
    assert caught.value.exit_code == 4
    return caught.value.code


def change(documents, key, **fields):
    documents.criterion(key).update(fields)
    return code_of(documents.build)


def test_an_unknown_key_is_refused_and_located(documents):
    documents.criterion("LPM-17.PA1/gri")["atoolsFile"] = "x"
    with pytest.raises(
        RequirementsError, match=r"LPM-17.PA1 > criteria > gri.*atoolsFile"
    ) as error:
        documents.build()
    assert error.value.code == "unknown_key"


def test_an_unknown_key_in_a_requirement_or_document(documents):
    documents.requirement("DMS-REQ-0030")["prioritty"] = "1a"
    assert code_of(documents.build) == "unknown_key"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"levels": {"design": 5, "minimum": 4, "stretch": 3}}, "levels_not_monotone"),
        ({"levels": {"design": 5, "minimum": 8, "stretch": 6}}, "levels_not_monotone"),
        ({"levels": {"design": 5, "ultimate": 1}}, "schema"),
        ({"levels": {"given": 5}}, "unknown_level"),
        ({"levels": {"design": "5e-3"}}, "limit_type"),
        ({"levels": {}}, "schema"),
        ({"unit": "millimags"}, "unknown_unit"),
        ({"op": "=<"}, "schema"),
        ({"population": "sample"}, "schema"),
        ({"metric": "PA1"}, "schema"),
        ({"kind": "capability"}, "schema"),
        ({"at": {"PA2": "LPM-17.PA9/gri"}}, "unknown_criterion"),
        ({"at": {"PA2": {"gg": "LPM-17.PA2/gri"}}}, "duplicate_band"),
        ({"at": {"PA2": {"value": 3}}}, "schema"),
        ({"at": {"PA2": {"value": 3, "unit": "furlongs"}}}, "unknown_unit"),
        ({"at": {"PA2": "DMS-REQ-0359/PA2gri"}}, "binding_level_missing"),
        ({"at": {"F": "LPM-17.FilterComplement/value"}}, "binding_not_number"),
        ({"related": ["DMS-REQ-0359/PA1grizy"]}, "unknown_criterion"),
        ({"joint": ["LPM-17.PA2/gri", "LPM-17.PA2/gri"]}, "schema"),
    ],
)  # fmt: skip
def test_a_broken_criterion_does_not_load(documents, fields, code):
    assert change(documents, "LPM-17.PA1/gri", **fields) == code


def test_monotone_in_the_direction_of_the_operator(documents):
    levels = {"design": 24.7, "minimum": 24.3, "stretch": 24.6}
    assert change(documents, "LPM-17.D1/r", levels=levels) == "levels_not_monotone"


def test_a_stretch_set_contains_the_design_set(documents):
    levels = {"design": "ugrizy", "minimum": "ugrizy", "stretch": "bgrizy"}
    key = "LPM-17.FilterComplement/value"
    assert change(documents, key, levels=levels) == "levels_not_monotone"


def test_equal_levels_are_allowed(documents):
    documents.criterion("LPM-17.PA1/gri")["levels"] = {"design": 5, "minimum": 5, "stretch": 5}
    assert documents.build().criteria["LPM-17.PA1/gri"].levels["stretch"] == 5.0


def test_duplicate_requirement_names_both_origins(documents):
    requirements = documents.content["LPM-17"]["requirements"]
    requirements.append({**requirements[0], "title": "Again"})
    with pytest.raises(RequirementsError, match="LPM-17 and from LPM-17") as error:
        documents.build()
    assert error.value.code == "duplicate_criterion"
    requirements[-1] = {**requirements[-1], "criteria": []}
    assert code_of(documents.build) == "duplicate_requirement"


def test_duplicate_of_a_plugin_says_the_likely_cause(extra_document):
    with pytest.raises(RequirementsError) as error:
        load([extra_document, extra_document])
    assert error.value.code == "duplicate_document"
    assert "plug-in installed twice" in error.value.hint


def test_an_unknown_parent_is_refused(documents):
    documents.requirement("DMS-REQ-0359")["parents"] = ["OSS-REQ-9387"]
    assert code_of(documents.build) == "unknown_parent"


def test_a_key_written_twice_is_refused():
    assert code_of(lambda: read_yaml("a: 1\nb: 2\na: 3\n", "x.yaml")) == "duplicate_key"


def test_text_that_is_not_yaml_is_refused():
    assert code_of(lambda: read_yaml("a: [1\n", "x.yaml")) == "not_yaml"


def test_yaml_cannot_make_objects():
    assert (
        code_of(lambda: read_yaml("a: !!python/object/apply:os.getcwd []", "x.yaml")) == "not_yaml"
    )


def test_a_missing_file_is_one_sentence(tmp_path):
    assert code_of(lambda: read_document(tmp_path / "none.yaml")) == "no_such_file"


@pytest.mark.parametrize("content", [None, [], "text", {"schema": "other/1"}])
def test_something_else_is_no_document(content):
    assert code_of(lambda: load([content])) in ("schema", "no_such_file")


def test_extra_requirements_join_the_packaged_ones(extra_document, found):
    more = load([extra_document])
    assert set(more.requirements) - set(found.requirements) == {"SIMCAM-1.Median"}
    assert more.criteria["SIMCAM-1.Median/value"].metric == "example.flux.median"
    assert not more.documents["SIMCAM-1"].packaged


def test_extra_from_a_path(extra_document, tmp_path):
    import yaml

    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(extra_document))
    assert "SIMCAM-1.Median" in load([path]).requirements


class FakeEntry:
    def __init__(self, name, value):
        self.name, self.value, self._made = name, f"package:{name}", value

    def load(self):
        if isinstance(self._made, Exception):
            raise self._made
        return self._made


def test_plugins_are_found_by_entry_point(extra_document, monkeypatch):
    entries = [FakeEntry("mine", extra_document)]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries)
    assert loading.ENTRY_POINT_GROUP == "skyassay.requirements"
    found = load([{**extra_document, "document": {**extra_document["document"], "id": "B"},
                   "requirements": []}])  # fmt: skip
    assert "SIMCAM-1.Median" in found.requirements


def test_a_broken_plugin_fails_with_its_name(monkeypatch, extra_document):
    entries = [FakeEntry("sick", ImportError("no module named x"))]
    monkeypatch.setattr(loading, "entry_points", lambda group: entries)
    with pytest.raises(RequirementsError, match=r"sick.*no module named x") as error:
        load([extra_document])
    assert error.value.code == "broken_plugin"


def test_loading_is_done_once_per_process():
    assert load() is load()
