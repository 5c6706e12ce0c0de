"""A third-party package adds a metric and a requirement, and touches nothing of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skyassay.metrics.registry import load_metrics

METRIC = "photometry.zeropoint.visit_scatter"
CRITERION = "OBS-1.ZP1/gri"
PACKAGE = Path(__file__).parent.parent / "plugin_package"
#: What a user of a broken plugin must never see a second time.
QUIET = ("--store", "none", "--no-contract")


def codes(done) -> set[tuple[str, str]]:
    findings = json.loads(done.out)["findings"]
    return {(f["code"], f["subject"]) for f in findings if f["severity"] == "fail"}


def test_the_package_is_one_short_file() -> None:
    (module,) = PACKAGE.glob("*.py")
    assert len(module.read_text().splitlines()) <= 65
    assert METRIC not in load_metrics()


def test_its_requirement_is_listed_and_linked(installed) -> None:
    done = installed.assay("requirements", "list", "--document", "OBS-1", "--format", "json")
    assert done.code == 0, done.err
    (requirement,) = json.loads(done.out)["requirements"]
    (criterion,) = requirement["criteria"]
    assert (requirement["id"], criterion["metric"]) == ("OBS-1.ZP1", METRIC)
    done = installed.assay("requirements", "lint", "--format", "json")
    assert (done.code, codes(done)) == (0, set())


def test_its_metric_is_measured_and_judged(installed, catalog) -> None:
    done = installed.assay("measure", "--table", catalog(2.0), "--format", "json", *QUIET)
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    found = {m["band"]: m for m in document["measurements"] if m["metric"] == METRIC}
    assert set(found) == {"g", "r", "i"}
    for m in found.values():
        assert m["recipe"] == "medians"
        assert m["interval"]["low"] < 2.0 < m["interval"]["high"]
    assert f"{METRIC}/medians" in document["state_digests"]
    # ours are measured beside it, as if it were not there
    ours = {name for name, one in load_metrics().items() if set(one.inputs) == {"matched_source"}}
    assert {m["metric"] for m in document["measurements"]} == {*ours, METRIC}


@pytest.mark.parametrize(("drift", "code", "status"), [(2.0, 0, "PASS"), (9.0, 1, "FAIL")])
def test_its_verdict_and_exit_code(installed, call, catalog, drift, code, status) -> None:
    words = ("--metric", METRIC, "--format", "json", *QUIET)
    done = call("verify", "--table", catalog(drift), *words)
    assert (done.code, done.err) == (code, "")
    (verdict,) = json.loads(done.out)["verdicts"]
    assert (verdict["criterion"], verdict["status"]) == (CRITERION, status)
    assert (verdict["limit"], verdict["unit"], verdict["binding"]) == (4.0, "mmag", True)


def test_another_recipe_voids_its_certificate(installed, call, catalog) -> None:
    installed.edit('"stars_per_visit": 20', '"stars_per_visit": 21')
    words = ("--metric", METRIC, "--format", "json", *QUIET)
    done = call("verify", "--table", catalog(2.0), *words)
    (verdict,) = json.loads(done.out)["verdicts"]
    assert (done.code, verdict["status"]) == (2, "INCONCLUSIVE")
    assert verdict["reason"] == "interval_not_certified"


def test_the_requirement_without_its_metric_is_uncovered(site, call, catalog) -> None:
    site.install()
    (info,) = site.folder.glob("*.dist-info")
    entries = (info / "entry_points.txt").read_text()
    (info / "entry_points.txt").write_text(entries[entries.index("[skyassay.requirements]") :])
    done = call("requirements", "lint", "--format", "json")
    assert done.code == 1
    assert ("T1", CRITERION) in codes(done)
    words = ("--table", catalog(2.0), "--all", "--format", "json", *QUIET)
    done = call("verify", *words)
    (verdict,) = [v for v in json.loads(done.out)["verdicts"] if v["criterion"] == CRITERION]
    assert (verdict["status"], verdict["reason"]) == ("NOT_MEASURED", "metric_not_run")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (f'requirements = ("{CRITERION}",)', "requirements = ()", {("T5", CRITERION)}),
        ('"metric": ID, ', "", {("T1", CRITERION), ("T5", CRITERION)}),
        (f'requirements = ("{CRITERION}",)', 'requirements = ("OBS-1.ZP9/gri",)',
         {("T3", METRIC), ("T5", CRITERION)}),
        ('"unit": "mmag"', '"unit": "mas"', {("T9", CRITERION)}),
    ],
)  # fmt: skip
def test_one_end_of_the_link(installed, call, old, new, expected) -> None:
    installed.edit(old, new)
    done = call("requirements", "lint", "--format", "json")
    assert (done.code, codes(done)) == (1, expected)


@pytest.mark.slow
def test_pip_installs_it(site, tmp_path) -> None:
    words = ("install", "--no-deps", "--quiet", "--target", str(site.folder))
    source = tmp_path / "source"
    source.mkdir()
    for path in PACKAGE.iterdir():
        if path.is_file():
            (source / path.name).write_bytes(path.read_bytes())
    subprocess.run([sys.executable, "-m", "pip", *words, str(source)], check=True)
    done = site.assay("requirements", "show", CRITERION, "--format", "json")
    assert (done.code, METRIC in done.out) == (0, True)
