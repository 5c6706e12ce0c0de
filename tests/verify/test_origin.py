"""Whose data these are: simulated data say so and cannot be called real."""

from __future__ import annotations

import json

import pytest

from skyassay.verify.errors import VerifyError
from skyassay.verify.origin import origin


@pytest.fixture
def simulated(tmp_path):
    manifest = {
        "schema": "skyassay.simulated_release/1", "level": "catalog", "preset": "tiny",
        "seed": 5, "versions": {"skyassay": "0"}, "files": {"t.parquet": {"sha256": "abc"}},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return {"t": {"path": str(tmp_path / "t.parquet"), "rows": 1, "sha256": "abc"}}


def code(*args) -> str:
    with pytest.raises(VerifyError) as caught:
        origin(*args)
    assert caught.value.exit_code == 4
    return caught.value.code


def test_simulated_data_are_the_twin(simulated) -> None:
    found = origin(simulated)
    assert (found.evidence_level, found.seed) == ("catalog-twin", 5)
    assert "tiny" in found.subject
    assert origin(simulated, "mine").subject == "mine"


def test_simulated_data_cannot_be_called_real(simulated) -> None:
    assert code(simulated, None, "real") == "not_real"


def test_a_changed_table_is_not_the_simulated_one(simulated) -> None:
    changed = {"t": {**simulated["t"], "sha256": "other"}}
    assert origin(changed).evidence_level == "real"


def test_real_and_simulated_tables_do_not_mix(simulated) -> None:
    other = {"path": "elsewhere.parquet", "rows": 1, "sha256": "x"}
    assert code({**simulated, "u": other}) == "mixed_origin"


def test_what_the_user_says() -> None:
    inputs = {"t": {"path": "some/where/a.parquet", "sha256": "x"}}
    assert origin(inputs).subject == "a.parquet"
    assert origin(inputs, "HSC", "record").evidence_level == "record"
    assert code(inputs, None, "sure") == "unknown_evidence_level"


def test_a_broken_manifest_is_no_manifest(tmp_path) -> None:
    (tmp_path / "manifest.json").write_text('{"schema": 1')
    inputs = {"t": {"path": str(tmp_path / "t.parquet"), "sha256": "abc"}}
    assert origin(inputs).evidence_level == "real"
