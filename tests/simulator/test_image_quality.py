"""Images, sky and depth of the twin: consistent, reproducible, and measured as expected."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator.expectations.depth import EXPECTATIONS as DEPTH
from skyassay.simulator.expectations.images import EXPECTATIONS as IMAGES
from skyassay.simulator.image_quality import line_of_sight
from skyassay.simulator.parts import PARTS, build
from skyassay.simulator.presets import preset
from skyassay.simulator.samples.model import Draw
from skyassay.simulator.samples.visits import SAMPLERS
from skyassay.simulator.twin import Twin

NEEDED = tuple(p for p in PARTS if p.__name__ in ("nights", "images"))
#: Bound parameters and targets of large samples of a known population value.
AT = {
    "depth.single_visit.df1": ("Z1", 24.4, 8.0),
    "depth.single_visit.z1": ("DF1", 10.0, 24.5),
    "depth.focal_plane.df2": ("Z2", 0.2, 12.0),
    "depth.focal_plane.z2": ("DF2", 15.0, 0.2),
    "seeing.delivered.s1": ("seeing", 0.6, 0.68),
    "seeing.delivered.sf1": ("SX", 1.1, 8.0),
    "seeing.system.sysiq": ("", 0.0, 0.4),
    "seeing.system.sxe": ("", 0.0, 0.5),
    "instrument.sky.sbprec": ("", 0.0, 0.9),
    "depth.single_visit.d1": ("", 0.0, 24.5),
    "depth.single_visit.db1": ("", 0.0, 24.5),
}


@cache
def scene(seed=0, name="medium"):
    return build(preset(name), seed, Twin(), NEEDED)


def test_noise_of_the_image_gives_its_depth():
    table = scene()["visit_detector_table"]
    area = 4.0 * np.pi * table["psfSigma"].astype(float) ** 2
    noise = 5.0 * table["skyNoise"].astype(float) * np.sqrt(area)
    depth = table["zeroPoint"].astype(float) - 2.5 * np.log10(noise)
    # What is left are the errors of the depths themselves.
    off = depth - table["magLim"]
    assert abs(off.mean()) < 0.01
    assert off.std() < 0.02


def test_seeing_and_system_part_make_up_the_delivered_size():
    truth = scene()["truth_visit"]
    free = truth["atmosphericSeeing"] * line_of_sight(truth["band"], truth["airmass"])
    assert np.hypot(free, truth["systemSeeing"]) == pytest.approx(truth["seeing"], rel=1e-12)
    said = scene()["visit_table"]
    pull = (said["atmosphericSeeing"] - truth["atmosphericSeeing"]) / said["atmosphericSeeingErr"]
    assert np.std(pull) == pytest.approx(1.0, abs=0.2)


def test_one_detector_row_per_visit_and_detector_around_the_pointing():
    table, visits = scene()["visit_detector_table"], scene()["visit_table"]
    assert len(table["visit"]) == 9 * len(visits["visit"])
    assert len(np.unique(table["visit"] * 10 + table["detector"])) == len(table["visit"])
    dec = table["dec"].reshape(-1, 9)
    # Rows of detectors lie under each other: the middle one at the pointing.
    assert dec[:, 4] == pytest.approx(visits["dec"], abs=1e-9)
    assert (dec[:, 7] - dec[:, 1]) == pytest.approx(2 * 1.1667, abs=0.01)


def test_the_same_seed_gives_the_same_tables_and_another_others():
    again = build(preset("tiny"), 4, Twin(), NEEDED)
    first, other = (build(preset("tiny"), s, Twin(), NEEDED) for s in (4, 5))
    for product in ("visit_table", "visit_detector_table", "truth_visit"):
        for name, column in first[product].items():
            assert np.array_equal(column, again[product][name]), name
    assert not np.array_equal(first["visit_table"]["magLim"], other["visit_table"]["magLim"])


@pytest.mark.parametrize("one", [*DEPTH, *IMAGES], ids=lambda one: one.metric)
def test_the_twin_shows_what_is_expected(one):
    metric = make(one.metric)
    for found in metric.finish(metric.fold({k: scene()[k] for k in metric.inputs}), {}):
        if found.value is None:
            assert found.reason.startswith("out_of_scope") or found.reason == "too_few_visits"
            continue
        at = next(iter(found.at.values()), None)
        expected = one.value(Twin(), found.band or "", at)
        if found.interval is None:
            assert found.value == pytest.approx(expected, abs=1e-3)
        else:
            # Two-sided 95 % limits, stretched to four standard errors.
            room = [
                2.0 * abs(end - found.value) for end in (found.interval.low, found.interval.high)
            ]
            assert found.value - room[0] <= expected <= found.value + room[1]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.metric)
def test_large_samples_have_the_value_that_was_asked_for(sampler):
    parameter, at, target = AT[sampler.metric]
    metric = make(sampler.metric)
    band = "z" if "sysiq" in sampler.metric else "r"
    asked = Draw({band: target}, size=1500, seed=3, share=0.3, at={band: at} if parameter else {})
    bound = {parameter: {band: (at,)}} if parameter else {}
    found = metric.finish(metric.fold(sampler.draw(asked)), bound)[0]
    assert found.diagnostics["n_units"] == 1500
    half = 0.5 * (found.interval.high - found.interval.low)
    assert abs(found.value - target) < 2.0 * half
    assert half < 0.1 * target
