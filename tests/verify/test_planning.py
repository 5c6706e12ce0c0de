"""How much data would decide: exact binomial sizes and scaled intervals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from skyassay.metrics.contract import Interval, Measurement
from skyassay.requirements_map import load
from skyassay.verify.cli import build_app
from skyassay.verify.errors import VerifyError
from skyassay.verify.planning import exact_size, plan, units_needed, zero_failure_size
from skyassay.verify.records import Run
from skyassay.verify.verdict import judge_all

RUN = Run("r", "test data", "real", "2030-01-01T00:00:00Z")
PA1 = "photometry.repeatability.pa1"


@pytest.fixture(scope="module")
def requirements():
    return load()


@pytest.mark.parametrize(("allowed", "trials"), [(0.01, 299), (0.05, 59), (0.1, 29), (0.001, 2995)])
def test_zero_failures(allowed, trials) -> None:
    assert zero_failure_size(allowed) == trials
    assert (1 - allowed) ** trials <= 0.05 < (1 - allowed) ** (trials - 1)


def test_there_is_no_size_for_never_and_always() -> None:
    assert zero_failure_size(0.0) is None
    assert zero_failure_size(1.0) is None
    assert exact_size(0.1, 0.1, 0.9) is None


def test_exact_size_has_the_power_it_says() -> None:
    n = exact_size(0.1, 0.05, 0.9)
    most = max(k for k in range(n) if binom.cdf(k, n, 0.1) <= 0.05)
    assert binom.cdf(most, n, 0.05) >= 0.9
    assert binom.cdf(most, n, 0.1) <= 0.05


def test_units_shrink_the_error_with_their_root() -> None:
    # room of 2.926 standard errors is what 95 % and 90 % ask for
    assert units_needed(2.926405, 1.0, 12, 0.9) in (12, 13)
    assert units_needed(2.926405 / 2, 1.0, 12, 0.9) in (48, 49)
    assert units_needed(0.0, 1.0, 12, 0.9) is None
    assert units_needed(1.0, float("inf"), 12, 0.9) is None


def measured(value: float, half: float, band: str) -> Measurement:
    made = Interval(value - half, value + half, 0.95, "test", value - half, value + half)
    return Measurement(
        PA1, "mmag", "srd", "h", "MEASURED", value, made, band=band, n=50,
        diagnostics={"n_visits": 12},
    )  # fmt: skip


def test_a_measured_requirement_is_scaled(requirements) -> None:
    found = [measured(3.0, 1.0, b) for b in "gri"]
    plans = plan(requirements, judge_all(requirements, found, RUN), found, 0.9)
    mine = {p.band: p for p in plans if p.criterion == "LPM-17.PA1/gri"}
    assert mine["g"].decided == "PASS"
    assert mine["g"].now == 12
    # room 2, standard error 1 / 1.645: (2.9264 / 1.645 / 2)^2 x 12
    assert mine["g"].needed == 10
    worse = [measured(4.9, 1.0, b) for b in "gri"]
    plans = plan(requirements, judge_all(requirements, worse, RUN), worse, 0.9)
    assert next(p for p in plans if p.criterion == "LPM-17.PA1/gri").needed > 1000


def test_a_measurement_that_names_no_units_says_so(requirements) -> None:
    found = [replace(measured(3.0, 1.0, b), diagnostics={}) for b in "gri"]
    plans = plan(requirements, judge_all(requirements, found, RUN), found, 0.9)
    mine = next(p for p in plans if p.criterion == "LPM-17.PA1/gri")
    assert mine.needed is None
    assert "units" in mine.note


def test_power_has_bounds(requirements) -> None:
    for power in (0.2, 1.0):
        with pytest.raises(VerifyError) as error:
            plan(requirements, [], [], power)
        assert error.value.code == "bad_power"


def test_without_a_run_the_exact_sizes_are_there() -> None:
    answer = CliRunner().invoke(build_app(), ["plan", "--store", "none", "--format", "json"])
    plans = {p["criterion"]: p for p in json.loads(answer.stdout)["plans"]}
    assert plans["DMS-REQ-0392/sciVisitAlertDelay"]["zero_failures"] == 299
    shown = CliRunner().invoke(build_app(), ["plan", "--store", "none"])
    assert shown.exit_code == 0
    assert "299 trials" in shown.stdout


def test_an_open_interval_is_not_called_near_the_limit(requirements) -> None:
    one = measured(2.0, 0.5, "r")
    assert one.interval is not None
    one = replace(one, interval=replace(one.interval, upper=float("inf"), high=float("inf")))
    found = [
        p for p in plan(requirements, judge_all(requirements, [one], RUN), [one], 0.9) if p.value
    ]
    assert found
    assert all(p.needed is None and "measure more first" in p.note for p in found)
