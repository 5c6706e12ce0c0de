"""A broken plugin fails with its name, one sentence and a hint; never with a traceback."""

from __future__ import annotations

import pytest

METRICS = "skyassay.metrics"
REQUIREMENTS = "skyassay.requirements"
COMMANDS = "skyassay.commands"
PLAIN = """
from skyassay.metrics.plugin import BaseMetric, Recipe

class Share(BaseMetric):
    id = "quality.flux.missing"
    unit = "%"
    title = "Share of rows without a flux"
    requirements = ()
    recipes = {"plain": Recipe("plain", {})}
    inputs = {}

    def zero(self): return None
    def fold(self, part): return None
    def merge(self, a, b): return None
    def finish(self, state, at): return []
"""


def check(done, code: str, *names: str) -> None:
    assert done.code == 4
    assert f"[{code}]" in done.err
    assert "hint: " in done.err
    assert len(done.err.splitlines()) <= 3
    for name in names:
        assert name in done.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from skyassay", "import no_such_module\nfrom skyassay", "no_such_module"),
        ("class Share", "class Other", "Share"),
        ('    unit = "%"\n', "", "unit"),
        ('"%"', '"parsnip"', "parsnip"),
        ('{"plain": Recipe("plain", {})}', "{}", "recipe"),
        ("    def fold(self, part): return None\n", "", "fold"),
        ('"quality.flux.missing"', '"quality.flux.gone"', "quality.flux.gone"),
        ('requirements = ()', 'requirements = "LPM-17.PA1/gri"', "requirements"),
        ("    inputs = {}", '    inputs = {}\n    locality = "galaxy"', "locality"),
        ("    inputs = {}", '    inputs = {"matched_source": ("objectId",)}', "inputs"),
    ],
)  # fmt: skip
def test_a_broken_metric(site, call, old, new, said) -> None:
    (site.folder / "share.py").write_text(PLAIN)
    site.edit(old, new, "share")
    site.declare("assay-share", {METRICS: {"quality.flux.missing": "share:Share"}})
    done = call("requirements", "lint")
    check(done, "broken_plugin", "quality.flux.missing", "share:Share", said)


def test_a_sound_one_is_not_refused(site, call) -> None:
    (site.folder / "share.py").write_text(PLAIN)
    site.declare("assay-share", {METRICS: {"quality.flux.missing": "share:Share"}})
    done = call("requirements", "lint", "--format", "json")
    assert (done.code, '"T4"' in done.out) == (0, True)


def test_two_metrics_with_one_id(installed, call) -> None:
    points = {"photometry.repeatability.pa1": "skyassay.metrics.photometry.repeatability:PA1"}
    installed.declare("assay-copy", {METRICS: points})
    check(call("requirements", "lint"), "duplicate_metric", *points, "PA1")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"id": "OBS-1.ZP1"', '"id": "LPM-17.PA3"', "duplicate_requirement"),
        ('"id": "OBS-1",', '"id": "LPM-17",', "duplicate_document"),
        ('"method": "test"', '"methd": "test"', "unknown_key"),
        ('"parents": ["LPM-17.PA1"]', '"parents": ["LPM-17.PA11"]', "unknown_parent"),
        ('"unit": "mmag"', '"unit": "parsnip"', "unknown_unit"),
        ("REQUIREMENTS = {", "REQUIREMENT = {", "broken_plugin"),
    ],
)
def test_broken_requirements(installed, call, old, new, code) -> None:
    installed.edit(old, new)
    done = call("requirements", "list")
    check(done, code, "" if code in ("unknown_parent", "unknown_unit") else "OBS-1")


def test_a_broken_command(site, call) -> None:
    site.declare("assay-broken", {COMMANDS: {"broken": "no_such_module:register"}})
    check(call("requirements", "list"), "broken_plugin", "broken", "no_such_module")


def test_a_broken_plugin_seen_by_a_user(site) -> None:
    site.declare("assay-broken", {METRICS: {"quality.flux.missing": "no_such_module:Share"}})
    done = site.assay("requirements", "lint")
    check(done, "broken_plugin", "quality.flux.missing", "no_such_module")
