"""Depth from detections, and effective time."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.depth.detections import depth_of
from skyassay.metrics.registry import make

NAME = "depth.crosscheck.detections"


def sources(m5, off, *, per_visit=20, faint=True):
    """Sources of visits of depth `m5` whose noise is that of a depth `off` fainter."""
    m5 = np.asarray(m5, dtype=float)
    n = len(m5) * per_visit
    visit = np.repeat(np.arange(len(m5)), per_visit)
    mag = m5[visit] + off - (0.5 if faint else 5.0)
    x = 10.0 ** (0.4 * (mag - m5[visit] - off))
    flux = 10.0 ** ((31.4 - mag) / 2.5)
    table = {
        "visit": visit,
        "band": np.full(n, "r"),
        "psfFlux": flux,
        "psfFluxErr": flux * np.sqrt(0.001 * x + 0.039 * x**2),
        "extendedness": np.zeros(n),
    }
    return {"matched_source": table, "visit_table": {"visit": np.arange(len(m5)), "magLim": m5}}


def test_noise_of_faint_sources_gives_the_depth_back():
    metric = make(NAME)
    found = metric.finish(metric.fold(sources([24.0, 24.3, 24.7], 0.13)), {})[0]
    assert found.value == pytest.approx(0.13, abs=1e-4)
    assert (found.band, found.n, found.diagnostics["n_sources"]) == ("r", 3, 60)


def test_depth_is_where_signal_to_noise_is_five():
    x = np.array([0.2, 0.5, 1.0])
    flux = 10.0 ** ((31.4 - (24.0 + 2.5 * np.log10(x))) / 2.5)
    error = flux * np.sqrt(0.001 * x + 0.039 * x**2)
    assert depth_of(flux, error, 0.039) == pytest.approx([24.0] * 3, abs=1e-9)
    assert flux[2] / error[2] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("m5", "faint", "reason"),
    [([24.0] * 5, False, "out_of_scope_no_faint_sources"), ([24.0] * 2, True, "too_few_visits")],
)
def test_bright_stars_say_nothing_of_the_depth(m5, faint, reason):
    metric = make(NAME)
    assert metric.finish(metric.fold(sources(m5, 0.0, faint=faint)), {})[0].reason == reason


def test_sources_without_a_visit_or_a_sound_flux_are_left_out_and_order_does_not_matter():
    metric = make(NAME)
    tables = sources([24.0, 24.2, 24.1, 24.3], 0.05)
    whole = metric.fold(tables)
    broken = {k: v.copy() for k, v in tables["matched_source"].items()}
    broken["visit"] = np.where(np.arange(80) % 7 == 0, 999, broken["visit"])
    broken["psfFlux"][3] = np.nan
    halves = [
        metric.fold({**tables, "matched_source": {k: v[i] for k, v in broken.items()}})
        for i in (slice(40, None), slice(0, 40))
    ]
    merged = metric.merge(*halves)
    assert int(merged.count.sum()) == 80 - 12 - 1
    again = [metric.fold({**tables, "matched_source": t}) for t in (broken,)]
    assert state_digest(merged) == state_digest(again[0])
    assert metric.finish(merged, {})[0].value == pytest.approx(
        metric.finish(whole, {})[0].value, abs=1e-4
    )
