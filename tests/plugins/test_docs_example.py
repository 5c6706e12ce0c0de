"""The example of the page "Write a metric" is a metric that works."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.words import words_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sky_level.py"


@pytest.fixture(scope="module")
def plugin():
    spec = importlib.util.spec_from_file_location("sky_level", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SkyLevel(module.SkyLevel.recipes["srd"])


def visits(nights: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    night = np.repeat(np.arange(nights), 5)
    return {
        "visit": np.arange(night.size),
        "band": np.full(night.size, "r"),
        "expMidptMJD": 61000.1 + night + 0.01 * np.tile(np.arange(5), nights),
        "skyBrightness": 21.0 + 0.3 * rng.standard_normal(nights)[night],
    }


def test_it_measures_the_mean_with_the_nights_as_units(plugin) -> None:
    table = visits(12)
    (found,) = plugin.finish(plugin.fold({"visit_table": table}), {})
    assert found.value == pytest.approx(table["skyBrightness"].mean())
    assert found.interval.low < found.value < found.interval.high
    # Without a certificate nothing is decided.
    assert not found.interval.certified
    assert found.diagnostics["n_units"] == 12


def test_partitions_do_not_change_a_byte(plugin) -> None:
    table = visits(6)
    whole = plugin.fold({"visit_table": table})
    halves = [{n: c[rows] for n, c in table.items()} for rows in (slice(13, None), slice(13))]
    merged = plugin.merge(*(plugin.fold({"visit_table": half}) for half in halves))
    assert state_digest(merged) == state_digest(whole)


def test_too_little_is_not_measured(plugin) -> None:
    (found,) = plugin.finish(plugin.fold({"visit_table": visits(2)}), {})
    assert (found.status, found.reason) == ("NOT_MEASURED", "too_few_nights")
    table = visits(6) | {"skyBrightness": np.full(30, np.nan)}
    (found,) = plugin.finish(plugin.fold({"visit_table": table}), {})
    assert (found.status, found.reason) == ("NOT_MEASURED", "no_usable_row")


def test_it_says_what_the_reference_prints(plugin) -> None:
    words = words_of(type(plugin))
    assert words.differs and words.absent
