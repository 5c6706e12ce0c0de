"""A small store, judged by the real rule: several runs of a twin, and one of real data."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skyassay.dashboards.collect import Source
from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import RequirementSet, load
from skyassay.verify.records import Evidence, Finding, Run
from skyassay.verify.store import open_store
from skyassay.verify.verdict import judge_all

from .browsing import ARGUMENTS, served

PA1 = "photometry.repeatability.pa1"
PF1 = "photometry.repeatability.pf1"
AM1 = "astrometry.relative.am1"
#: Metric -> (value, half-width of the interval, unit).
TRUTH = {PA1: (3.4, 0.5, "mmag"), PF1: (4.0, 1.5, "%"), AM1: (9.6, 1.1, "mas")}


@pytest.fixture(scope="session")
def requirements() -> RequirementSet:
    return load()


def measure(metric: str, band: str, *, shift: float = 0.0, recipe: str = "srd", **more):
    """Return one measurement near the truth, moved by `shift` half-widths."""
    value, half, unit = TRUTH[metric]
    value += shift * half
    made = Interval(
        value - half, value + half, 0.95, "variance components visit x star",
        value - 0.84 * half, value + 0.84 * half,
    )  # fmt: skip
    found = Measurement(
        metric, unit, recipe, f"hash-{recipe}", "MEASURED", value, made,
        n=1500, n_rejected=37, band=band,
        diagnostics={"n_visits": 12, "visit_share": 0.31},
    )  # fmt: skip
    return replace(found, **more)


def campaign(place: int) -> list[Measurement]:
    """Return the measurements of one run; the z band could not be measured."""
    found = []
    for metric in (PA1, AM1):
        for number, band in enumerate("gri"):
            found.append(measure(metric, band, shift=0.4 * np.sin(place + number)))
    for band in "gri":
        for pa2 in (10.0, 15.0, 22.5):
            at = {"at": {"PA2": pa2}, "at_units": {"PA2": "mmag"}}
            found.append(measure(PF1, band, shift=0.3 * place - 0.02 * pa2, **at))
    found.append(
        measure(
            PA1, "z", status="NOT_MEASURED", value=None, interval=None, n=2,
            reason="too_few_objects", hint="At least 50 stars with 2 visits each are needed.",
        )
    )  # fmt: skip
    return found


def evidence(measurements, *, recipe: str = "srd") -> list[Evidence]:
    """Return a table of single values for each measured band of PA1."""
    tables = []
    for m in measurements:
        if m.metric == PA1 and m.value is not None and m.recipe == recipe:
            rng = np.random.default_rng(zlib.crc32(str(m.band).encode()))
            values = m.value * rng.chisquare(11, 1500) / 11
            frame = pd.DataFrame({"value": values, "n_visits": rng.integers(6, 13, 1500)})
            frame["mag"] = rng.uniform(17.0, 20.0, 1500)
            frame["ra"] = rng.uniform(-1.0, 1.0, 1500) % 360.0
            frame["dec"] = rng.uniform(-31.0, -29.0, 1500)
            tables.append(Evidence(m.metric, m.band, frame, recipe))
    return tables


def run_of(place: int) -> Run:
    return Run(
        f"twin-{place:02d}",
        "SimCam twin",
        "catalog-twin",
        f"2026-07-{place + 1:02d}T04:00:00+00:00",
        seed=42,
        inputs={"matched_source": {"path": "matched.parquet", "rows": 120_000, "sha256": "a" * 64}},
        provenance={"skyassay": "0.1.0", "numpy": "2.3.1", "command": "assay demo"},
    )


def fill(url: str, requirements: RequirementSet, runs: int = 6) -> None:
    """Write the fixture store."""
    with open_store(url, write=True) as store:
        real = Run("hsc-i", "HSC test field", "real", "2026-06-20T00:00:00+00:00")
        mine = [measure(PA1, "i", shift=3.0), measure(PA1, "i", shift=2.0, recipe="faro")]
        verdicts = judge_all(requirements, mine[:1], real)
        verdicts += [v for v in judge_all(requirements, mine[1:], real) if v.recipe]
        store.add_run(real, mine, verdicts, evidence(mine[:1]))
        for place in range(runs):
            run = run_of(place)
            found = campaign(place)
            said = Finding(
                "pa2_pf1_disagree", "warning", "PA2 and PF1 disagree about 10 % in band r.",
                hint="Look at the tail of the residuals.", metric=PF1, band="r",
            )  # fmt: skip
            store.add_run(run, found, judge_all(requirements, found, run), evidence(found), [said])


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory, requirements: RequirementSet) -> str:
    path: Path = tmp_path_factory.mktemp("store") / "store.sqlite"
    fill(str(path), requirements)
    return str(path)


@pytest.fixture
def source(store_url: str, requirements: RequirementSet):
    with open_store(store_url) as store:
        yield Source(store, requirements)


@pytest.fixture(scope="module")
def chromium(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(store_url) -> Iterator[str]:
    with served(store_url) as base:
        yield base
