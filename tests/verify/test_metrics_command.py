"""`assay metrics`: what can be measured, by which recipes, and why it is certified or not."""

from __future__ import annotations

import json

import pytest

from skyassay.metrics import certification
from skyassay.metrics.contract import Recipe
from skyassay.metrics.registry import load_metrics, make
from skyassay.verify import cli
from skyassay.verify.commands import metrics as command

PA1 = "photometry.repeatability.pa1"
AM1 = "astrometry.relative.am1"


@pytest.fixture
def assay(capsys):
    def run(*argv):
        with pytest.raises(SystemExit) as stop:
            cli.main(["metrics", *argv])
        out = capsys.readouterr()
        return stop.value.code, out.out, out.err

    return run


@pytest.fixture
def shown(assay):
    def run(metric):
        code, out, _ = assay("show", metric, "--format", "json")
        data = json.loads(out)
        assert (code, data["schema"]) == (0, "skyassay.metric/1")
        return data["metric"]

    return run


@pytest.fixture
def packaged(monkeypatch):
    """Let the packaged certificates be these."""

    def put(**entries):
        named = {key.replace("__", "."): entry for key, entry in entries.items()}
        monkeypatch.setattr(certification, "certificates", lambda: named)

    return put


def certificate(recipe=None, *, certified=True, reason=None):
    return {
        "recipe_hash": recipe or make(PA1).recipe.hash, "certified": certified, "reason": reason,
    }  # fmt: skip


def test_list_as_json_holds_every_metric(assay):
    code, out, _ = assay("list", "--format", "json")
    data = json.loads(out)
    assert (code, data["schema"]) == (0, "skyassay.metrics/1")
    assert [m["id"] for m in data["metrics"]] == sorted(load_metrics())
    for m in data["metrics"]:
        plugin = load_metrics()[m["id"]]
        assert (m["title"], m["unit"]) == (plugin.title, plugin.unit)
        assert tuple(m["requirements"]) == tuple(plugin.requirements)
        assert m["recipes"] == list(plugin.recipes)
        assert isinstance(m["certified"], bool)
        assert m["certification"]


def test_list_counts_the_certified(assay, packaged):
    packaged(photometry__repeatability__pa1=certificate())
    rows = [line.split() for line in assay("list")[1].splitlines()]
    by_id = {row[0]: row for row in rows if row and row[0] in load_metrics()}
    assert set(by_id) == set(load_metrics())
    assert "yes" in by_id[PA1]
    assert "no" in by_id[AM1]
    assert f"{len(by_id)} metrics, 1 with certified intervals" in " ".join(map(" ".join, rows))


def test_show_has_inputs_and_every_recipe(shown):
    body = shown(PA1)
    plugin = load_metrics()[PA1]
    assert [r["name"] for r in body["recipes"]] == list(plugin.recipes)
    assert [r["default"] for r in body["recipes"]] == [True, False, False, False]
    for row in body["recipes"]:
        assert row["hash"] == plugin.recipes[row["name"]].hash
        # The cuts are all there: what is printed makes the same hash again.
        assert Recipe(row["name"], row["parameters"]).hash == row["hash"]
    columns = {c["name"]: c for c in body["inputs"]["matched_source"]}
    assert columns["psfFlux"] == {"name": "psfFlux", "unit": "nJy", "optional": False}
    assert columns["pixelFlags_bad"]["optional"] is True
    assert body["error_units"] == ["visit", "sky cell", "star"]
    assert shown("photometry.repeatability.pf1")["at_units"] == {"PA2": "mmag"}


@pytest.mark.parametrize(
    ("entry", "certified", "words"),
    [
        (certificate(), True, "recipe srd, from 3 visits on, by the coverage campaign"),
        (certificate(certified=False, reason="covers only 80%"), False, "covers only 80%"),
        (certificate("0" * 16), False, "the recipe that was tried (0000000000000000) is none"),
    ],
)
def test_certification_says_why(shown, packaged, entry, certified, words):
    packaged(photometry__repeatability__pa1=entry)
    body = shown(PA1)
    assert body["certified"] is certified
    assert words in body["certification"]
    marked = [r["name"] for r in body["recipes"] if r["certified"]]
    assert marked == (["srd"] if certified else [])


def test_no_campaign_is_no_certificate(shown, packaged):
    packaged()
    assert shown(PA1)["certified"] is False
    assert shown(PA1)["certification"] == "no coverage campaign has tried it"


def test_the_author_of_a_plugin_may_vouch_and_the_packaged_word_goes_first(
    shown, packaged, monkeypatch
):
    monkeypatch.setattr(load_metrics()[PA1], "certificate", certificate())
    packaged()
    assert shown(PA1)["certified"] is True
    assert "its author's coverage campaign" in shown(PA1)["certification"]
    packaged(photometry__repeatability__pa1=certificate(certified=False, reason="too narrow"))
    assert shown(PA1)["certification"] == "too narrow"


def test_show_for_people(assay, packaged, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    packaged(photometry__repeatability__pa1=certificate())
    code, out, _ = assay("show", PA1)
    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert f"recipe srd  {make(PA1).recipe.hash}  (default, certified)" in lines
    assert f"recipe faro  {make(PA1, 'faro').recipe.hash}" in lines
    assert "selection.snr: [100.0, null]" in lines
    assert any(line.startswith("reads  matched_source: objectId") for line in lines)


def test_parameters_are_one_to_a_line():
    flat = dict(command._flat({"a": {"b": {"c": 1}, "d": []}, "e": "text", "f": {}, "g": None}))
    assert flat == {"a.b.c": "1", "a.d": "[]", "e": "text", "f": "{}", "g": "null"}


@pytest.mark.parametrize(
    ("argv", "code", "word"),
    [
        (("show", "photometry.repeatability.pa9"), "unknown_metric", PA1),
        (("show", "nonsense"), "unknown_metric", "assay metrics list"),
        (("list", "--format", "csv"), "unknown_format", "json"),
        (("show", PA1, "--format", "xml"), "unknown_format", "json"),
    ],
)
def test_wrong_usage_is_one_sentence(assay, argv, code, word):
    exit_code, out, err = assay(*argv)
    assert (exit_code, out) == (4, "")
    assert f"[{code}]" in err
    assert word in err
    assert "Traceback" not in err


@pytest.mark.parametrize("argv", [(), ("show",), ("bogus",)])
def test_usage_of_the_command_line_itself(assay, argv):
    code, out, err = assay(*argv)
    assert code == 4
    assert "Usage" in out + err
