"""Error budgets: taken from diagnostics, drawn once per quantity."""

from __future__ import annotations

from skyassay.metrics.contract import Measurement
from skyassay.verify.report.budgets import budget_plot, budgets, terms


def measurement(metric: str, band: str | None = None, **shares: object) -> Measurement:
    return Measurement(
        metric, "mmag", "srd", "h", "MEASURED", 1.0, band=band, diagnostics={"n_units": 3, **shares}
    )


def test_shares_are_read_from_diagnostics() -> None:
    found = budgets(
        [
            measurement("a.b.pa1", "g", budget_visit=0.3, budget_own=0.7),
            measurement("a.b.pf1", "g"),
            measurement("a.c.am1", budget_star_noise=0.2, budget_region="unknown"),
        ]
    )
    assert found == {"pa1 g": {"visit": 0.3, "own": 0.7}, "am1": {"star_noise": 0.2}}
    assert terms(found) == ["visit", "own", "star_noise"]


def test_bars_stand_beside_each_other() -> None:
    plot = budget_plot({"pa1 g": {"visit": 0.3, "own": 0.7}, "pa1 r": {"own": 1.0}})
    bars = [r.data_source.data for r in plot.renderers]
    assert bars[0]["left"] == [0.0]
    assert bars[1]["left"] == [0.3, 0.0]
    assert bars[1]["right"] == [1.0, 1.0]
    assert budget_plot({}) is None
