"""A store with three runs of known values, judged by the real requirements."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import load
from skyassay.verify.records import Evidence, Finding, Run
from skyassay.verify.store import open_store
from skyassay.verify.verdict import judge_all

PA1, AM1, PF1 = (
    "photometry.repeatability.pa1",
    "astrometry.relative.am1",
    "photometry.repeatability.pf1",
)
#: Metric, band, value, half-width.
VALUES = (
    (PA1, "g", 3.1416, 0.14),
    (PA1, "r", 6.9, 0.33),
    (PA1, "i", 4.7, 0.61),
    (PA1, "z", 4.1, 0.2),
    (AM1, "r", 5.55, 0.4),
    (AM1, "i", 6.1, 0.5),
    (PF1, "r", 3.2, 0.9),
)


def measurement(metric, band, value, half, **more):
    given = {
        "unit": {PA1: "mmag", AM1: "mas", PF1: "%"}[metric],
        "recipe": "srd",
        "recipe_hash": "0123456789abcdef",
        "n": 812,
        "interval": Interval(
            value - half, value + half, 0.95, "by hand", value - half * 0.8, value + half * 0.8
        ),
    }
    if metric == PF1:
        given |= {"at": {"PA2": 15.0}, "at_units": {"PA2": "mmag"}}
    return Measurement(metric=metric, band=band, status="MEASURED", value=value, **(given | more))


def measurements(factor=1.0):
    found = [measurement(m, b, v * factor, h) for m, b, v, h in VALUES]
    lost = Measurement(
        PF1, "%", "srd", "0123456789abcdef", "NOT_MEASURED", None, band="i",
        reason="too_few_stars", hint="12 stars passed the cuts; the recipe needs 50.",
        at={"PA2": 15.0}, at_units={"PA2": "mmag"},
    )  # fmt: skip
    return [*found, lost]


def evidence(rng):
    return [
        Evidence(metric, band, pd.DataFrame({"value": value * np.sqrt(rng.chisquare(9, 800) / 9)}))
        for metric, band, value, _ in VALUES
    ]


def a_run(name, **more):
    given = {
        "id": name,
        "subject": "SimCam twin",
        "evidence_level": "pixels",
        "created": "2027-01-02T03:04:05Z",
        "seed": 7,
        "inputs": {"matched_source": {"path": "matched.parquet", "rows": 99, "sha256": "ab" * 32}},
        "provenance": {"skyassay": "0.1.0", "numpy": "2.3.1"},
    }
    return Run(**(given | more))


FINDINGS = (
    Finding(
        "pa2_pf1_disagree", "warning", "PA2 and PF1 disagree in r.", "See the limits.", PA1, "r"
    ),
)


def fill(url, runs=(("run-1", 0.9), ("run-2", 1.05), ("run-3", 1.0)), **more):
    rng = np.random.default_rng(3)
    requirements = load()
    with open_store(url, write=True) as store:
        for name, factor in runs:
            run, items = a_run(name, **more), measurements(factor)
            verdicts = judge_all(requirements, items, run)
            store.add_run(run, items, verdicts, evidence(rng), FINDINGS)
    return url


def poisoned(report, payload):
    """A report in which every string from outside is the payload."""

    def bad(verdict):
        strings = ("criterion", "requirement", "reason", "hint", "metric", "unit", "recipe",
                   "band", "component", "method", "subject", "level")  # fmt: skip
        return dataclasses.replace(
            verdict,
            **{name: payload for name in strings if getattr(verdict, name) is not None},
            at={payload: 1.0},
            parts=tuple(bad(part) for part in verdict.parts),
        )

    run = dataclasses.replace(
        report.run, id=payload, subject=payload, created=payload,
        inputs={payload: {payload: payload}}, provenance={payload: payload},
    )  # fmt: skip
    verdicts = tuple(bad(v) for v in report.attempted())
    past = report.history["LPM-17.PA1/gri"]
    return dataclasses.replace(
        report,
        run=run,
        verdicts=verdicts,
        titles={payload: payload},
        findings=(Finding(payload, "warning", payload, payload, payload, payload),),
        history={payload: [dataclasses.replace(h, run=run, verdict=bad(h.verdict)) for h in past]},
        evidence={(payload, payload): next(iter(report.evidence.values()))},
    )


@pytest.fixture
def poison():
    return poisoned


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    return fill(str(tmp_path_factory.mktemp("store") / "store.sqlite"))


@pytest.fixture
def fill_store():
    return fill


@pytest.fixture
def make_run():
    return a_run
