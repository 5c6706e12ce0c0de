"""The JSON of measurements and verdicts: strict, and the same when read back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from skyassay.metrics.contract import Interval, Measurement
from skyassay.verify.errors import VerifyError
from skyassay.verify.jsonio import (
    measurements_document,
    pretty,
    read_measurements,
    read_verdicts,
    verdicts_document,
)
from skyassay.verify.records import Run, Verdict

RUN = Run("r", "data", "real", "2030-01-01T00:00:00Z")
MEASURED = Measurement(
    metric="a.b.c", unit="mmag", recipe="srd", recipe_hash="h", status="MEASURED", value=1 / 3,
    interval=Interval(0.1, math.inf, 0.95, "t", 0.2, 9.0, certified=False), systematic=0.01,
    n=3, n_rejected=1, band="g", component="ra", data_id={"tract": 9}, at={"PA2": 15.0},
    at_units={"PA2": "mmag"}, diagnostics={"n_visits": 3, "note": "x"},
)  # fmt: skip
MISSING = Measurement("a.b.c", "mmag", "srd", "h", "NOT_MEASURED", None, reason="too_few")
VERDICT = Verdict(
    requirement="R", criterion="R/c", level="design", binding=True, status="INCONCLUSIVE",
    value=0.3, low=-math.inf, high=9.0, lower=0.2, upper=math.inf, confidence=0.95, method="t",
    op="<=", limit=5.0, unit="mmag", margin_sigma=None, margin_percent=94.0,
    population="process", subject="data", evidence_level="real",
    reason="interval_straddles_limit", at={"PA2": 15.0}, point_status="PASS", n=3,
)  # fmt: skip


def strict(document: object) -> dict:
    """Through text and back, refusing what JSON does not have."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(pretty(document), parse_constant=refuse)


def test_measurements_come_back_as_they_were() -> None:
    document = strict(measurements_document(RUN, [MEASURED, MISSING]))
    assert document["schema"] == "skyassay.measurements/1"
    assert document["run"] == "r"
    assert read_measurements(document) == [MEASURED, MISSING]


def test_fields_of_the_stable_format() -> None:
    first = strict(measurements_document(RUN, [MEASURED]))["measurements"][0]
    assert set(first) >= {
        "metric", "component", "at", "band", "data_id", "recipe", "recipe_hash", "value",
        "unit", "interval", "systematic", "n", "n_rejected", "status", "reason", "diagnostics",
    }  # fmt: skip
    assert first["interval"] == {
        "low": 0.1, "high": None, "confidence": 0.95, "method": "t",
        "one_sided": {"lower": 0.2, "upper": 9.0, "confidence": 0.95},
        "null_reasons": {"high": "unbounded"}, "certified": False,
    }  # fmt: skip


def test_a_diagnostic_that_is_no_number_is_null_with_a_reason() -> None:
    m = replace(MEASURED, diagnostics={"chi2": math.nan, "f": math.inf, "ok": 1.0})
    first = strict(measurements_document(RUN, [m]))["measurements"][0]
    assert first["diagnostics"] == {"chi2": None, "f": None, "ok": 1.0}
    assert first["diagnostics_reasons"] == {"chi2": "not_finite", "f": "not_finite"}


def test_verdicts_come_back_as_they_were() -> None:
    whole = replace(VERDICT, parts=(VERDICT, replace(VERDICT, band="r")))
    document = strict(verdicts_document(RUN, [whole]))
    assert document["schema"] == "skyassay.verdicts/1"
    assert read_verdicts(document) == [whole]
    assert set(document["verdicts"][0]) >= {
        "requirement", "criterion", "level", "binding", "status", "value", "interval", "op",
        "limit", "unit", "margin_sigma", "margin_percent", "population", "subject",
        "evidence_level", "evidence", "waiver", "reason",
    }  # fmt: skip


def test_a_bound_on_the_wrong_side_of_infinity_is_refused() -> None:
    upside = replace(VERDICT, low=math.inf)
    with pytest.raises(VerifyError) as caught:
        verdicts_document(RUN, [upside])
    assert caught.value.code == "bad_bound"


@pytest.mark.parametrize(
    "document", [{}, {"schema": "other/1", "verdicts": []}, {"schema": "skyassay.verdicts/1"}]
)
def test_another_document_is_refused(document) -> None:
    with pytest.raises(VerifyError) as caught:
        read_verdicts(document)
    assert caught.value.code == "wrong_schema"
