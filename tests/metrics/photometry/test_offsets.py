"""PA5 and PA6: offsets of known size, signs, and what is not measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement
from skyassay.metrics.registry import make
from skyassay.simulator.samples.model import Draw
from skyassay.simulator.samples.zero_points import draw_pa5, draw_pa6

Z = "photometry.zero_point."
Tables = dict[str, dict[str, Any]]


def _found(metric: str, tables: Tables) -> dict[tuple[str | None, str | None], Measurement]:
    one = make(Z + metric)
    return {(m.band, m.component): m for m in one.finish(one.fold(tables), {})}


def _colours(targets: dict[str, float]) -> Tables:
    return {n: dict(t) for n, t in draw_pa5(Draw(targets, 20, 1, 0.2)).items()}


def test_each_colour_has_its_offset_and_stands_under_its_bluer_band() -> None:
    targets = {"u": 8.0, "g": -3.0, "r": 2.0, "i": 0.0, "z": 4.0, "y": 4.0}
    found = _found("pa5", _colours(targets))
    assert set(found) == {
        ("u", "u-g"), ("g", "g-r"), ("r", "r-i"), ("i", "i-z"), ("z", "z-y"), ("y", "z-y")
    }  # fmt: skip
    for (band, _), m in found.items():
        assert m.interval is not None
        assert m.interval.low < targets[str(band)] < m.interval.high
        assert m.value == pytest.approx(targets[str(band)], abs=2.5)


def test_stars_off_the_main_sequence_do_not_count() -> None:
    tables = _colours({"g": 0.0})
    tables["truth_star"]["g_mag"] = tables["truth_star"]["g_mag"] + 5.0
    assert {m.reason for m in _found("pa5", tables).values()} == {"no_stars"}


def test_standards_tell_the_offset_of_each_band() -> None:
    tables = {n: dict(t) for n, t in draw_pa6(Draw({"g": 6.0, "r": -4.0}, 40, 2, 0.3)).items()}
    found = _found("pa6", tables)
    assert found["g", None].value == pytest.approx(6.0, abs=4.0)
    assert found["r", None].value == pytest.approx(-4.0, abs=4.0)


@pytest.mark.parametrize("flag", ["absent", "none", "two_regions"])
def test_without_standards_nothing_is_measured(flag: str) -> None:
    tables = {n: dict(t) for n, t in draw_pa6(Draw({"g": 0.0}, 6, 0)).items()}
    truth = tables["truth_star"]
    if flag == "absent":
        del truth["isStandard"]
    else:
        truth["isStandard"] = np.arange(24) < (0 if flag == "none" else 8)
    expected = "too_few_regions" if flag == "two_regions" else "no_standards"
    assert _found("pa6", tables)["g", None].reason == expected


def test_copies_of_the_truth_do_not_pass() -> None:
    tables = _colours({"g": 0.0})
    for b in "ugrizy":
        tables["object"][f"{b}_psfFlux"] = 10.0 ** (0.4 * (31.4 - tables["truth_star"][f"{b}_mag"]))
    assert {m.reason for m in _found("pa5", tables).values()} == {"no_scatter"}
