"""Samples of the campaign have the population value that was asked for."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator.samples.model import Draw, Sampler
from skyassay.simulator.samples.zero_points import SAMPLERS

#: Target and what it is bound at: metric's last name -> (value, parameter, bound).
ASKED = {
    "pa3": (10.0, None, None),
    "pf2": (10.0, "PA4", 15.0),
    "pa4": (15.0, "PF2", 10.0),
    "pa5": (5.0, None, None),
    "pa6": (10.0, None, None),
}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.metric)
def test_a_large_sample_gives_the_target(sampler: Sampler) -> None:
    target, parameter, bound = ASKED[sampler.metric.rsplit(".", 1)[1]]
    at = {} if bound is None else dict.fromkeys("gr", bound)
    tables = sampler.draw(Draw(dict.fromkeys("gr", target), 300, 1, 0.5, at))
    metric = make(sampler.metric)
    binding = {} if bound is None else {parameter: {b: (v,) for b, v in at.items()}}
    found = [m for m in metric.finish(metric.fold(tables), binding) if m.band in ("g", "r")]
    assert len(found) == 2
    for m in found:
        assert m.value == pytest.approx(target, rel=0.15)
        assert m.diagnostics["n_units"] == 300


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.metric)
def test_the_same_seed_gives_the_same_sample_and_the_smallest_is_measured(sampler) -> None:
    target, parameter, bound = ASKED[sampler.metric.rsplit(".", 1)[1]]
    at = {} if bound is None else {"g": bound}
    draws = [sampler.draw(Draw({"g": target}, sampler.sizes[0], s, 0.0, at)) for s in (4, 4, 5)]
    flux = [d["object"]["g_psfFlux"] for d in draws]
    assert np.array_equal(flux[0], flux[1])
    assert not np.array_equal(flux[0], flux[2])
    metric = make(sampler.metric)
    binding = {} if bound is None else {parameter: {"g": (bound,)}}
    found = metric.finish(metric.fold(draws[0]), binding)
    assert {m.status for m in found if m.band == "g"} == {"MEASURED"}
