"""Every metric finds the population value that the simulator put in."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.simulator.quantities import QUANTITIES, quantity
from skyassay.simulator.sample import campaign_tables

#: In the unit of the metric: mmag, mas, %.
TARGET = 8.0
SEEDS = 12


def value_of(measure, name, table):
    q = quantity(name)
    parameter = {"PF1": "PA2", "PA2": "PF1", "ABF1": "AB2", "AB2": "ABF1"}
    short = name.removesuffix("_separations")
    bound = parameter.get(short) or (
        {"F": f"AD{short[-1]}", "D": f"AF{short[-1]}"}.get(short[1]) if short[0] == "A" else None
    )
    at = {bound: {"i": (q.at["i"],)}} if q.at else {}
    return next(m for m in measure(q.metric, table, at=at) if m.band == "i")


@pytest.mark.parametrize(("visits", "share"), [(3, 0.0), (12, 0.0), (12, 0.5)])
@pytest.mark.parametrize("name", [q.name for q in QUANTITIES])
def test_the_population_value_is_recovered(measure, name, visits, share) -> None:
    q = quantity(name)
    bands = ("i",) if q.kind in ("photometry", "separation") else ("i", "r")
    stars = 60 if q.kind == "separation_offset" else 90
    found = [
        value_of(
            measure, name, campaign_tables(name, TARGET, share, visits, stars, seed, bands=bands)
        )
        for seed in range(SEEDS)
    ]
    values = np.array([m.value for m in found])
    if q.statistic == "width":
        # a mean square has no bias, its root does at few visits
        values, truth = values**2, TARGET**2
    else:
        truth = TARGET
    error = values.std(ddof=1) / np.sqrt(SEEDS)
    slack = 0.02 * truth
    if q.statistic == "percentile":
        # so has a quantile of few independent visits
        slack = 0.06 * truth
    # 4.5 errors: a t with 11 degrees of freedom goes beyond in one of a thousand
    assert abs(values.mean() - truth) < 4.5 * error + slack
    assert all(m.interval.low <= m.value <= m.interval.high for m in found)
    assert sum(m.interval.low <= TARGET <= m.interval.high for m in found) >= SEEDS - 4
