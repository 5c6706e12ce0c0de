"""Runs made by hand: measurements with known values, judged by the real requirements."""

from __future__ import annotations

import dataclasses
from functools import cache

import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import load
from skyassay.verify.gate.load import judge_recipes
from skyassay.verify.gate.model import GateRun, observe
from skyassay.verify.records import Run

PA1 = "photometry.repeatability.pa1"
PF1 = "photometry.repeatability.pf1"
AM1 = "astrometry.relative.am1"


@cache
def requirement_set():
    return load()


def measurement(metric=PA1, band="r", value=3.0, **fields):
    unit = {PA1: "mmag", PF1: "%", AM1: "mas"}.get(metric, "mas")
    half = 0.1 * abs(value) if value is not None else 0.0
    given = {
        "metric": metric,
        "unit": unit,
        "recipe": "srd",
        "recipe_hash": "a" * 16,
        "status": "MEASURED",
        "value": value,
        "interval": Interval(value - half, value + half, 0.95, "test", value - half, value + half)
        if value is not None
        else None,
        "n": 500,
        "band": band,
    }
    if metric == PF1:
        given |= {"at": {"PA2": 15.0}, "at_units": {"PA2": "mmag"}}
    return Measurement(**(given | fields))


def gate_run(measurements, seed=1, run_id=None, *, judged=True, **fields):
    given = {
        "id": run_id or f"run-{seed}",
        "subject": "SimCam twin",
        "evidence_level": "pixels",
        "created": "2027-01-01T00:00:00Z",
        "seed": seed,
        "inputs": {"matched_source": {"sha256": f"{seed}" * 8, "rows": 10}},
    }
    run = Run(**(given | fields))
    verdicts = judge_recipes(requirement_set(), measurements, run) if judged else []
    return GateRun(run, tuple(observe(m) for m in measurements), tuple(verdicts))


def scaled(measurements, factor):
    return [
        dataclasses.replace(measurement(m.metric, m.band, m.value * factor), at=m.at)
        for m in measurements
    ]


STANDARD = (
    measurement(PA1, "g", 3.0),
    measurement(PA1, "r", 2.9),
    measurement(AM1, "r", 5.0),
    measurement(PF1, "r", 4.0),
)


class Maker:
    """What the tests build runs with."""

    PA1, PF1, AM1 = PA1, PF1, AM1
    STANDARD = STANDARD
    measurement = staticmethod(measurement)
    run = staticmethod(gate_run)
    scaled = staticmethod(scaled)
    requirements = staticmethod(requirement_set)


@pytest.fixture
def make():
    return Maker
