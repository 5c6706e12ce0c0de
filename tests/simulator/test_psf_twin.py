"""The twin's stars: what it says of them is what is measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make
from skyassay.simulator.expectations.psf import EXPECTATIONS, below_kernel, near_kernel
from skyassay.simulator.parts import Scene, nights
from skyassay.simulator.presets import preset
from skyassay.simulator.psf_observe import source
from skyassay.simulator.psf_stars import psf_stars
from skyassay.simulator.psf_terms import (
    PsfTerms,
    effective_width,
    enclosed,
    energy_radius,
    moment_width,
)
from skyassay.simulator.samples.model import Draw
from skyassay.simulator.samples.psf import SAMPLERS
from skyassay.simulator.twin import Twin

BY_METRIC = {e.metric: e for e in EXPECTATIONS}


@pytest.fixture(scope="module")
def tables():
    """A survey of `small` size without its other stars."""
    scene = Scene(preset("small"), 11, Twin())
    scene = replace(scene, tables=dict(nights(scene)))
    return {**source(scene), "visit_table": scene["visit_table"]}


def test_profile_widths_from_integrals():
    terms = PsfTerms()

    def profile(r):
        return np.exp(-0.5 * r**2) + 0.1 * np.exp(-0.125 * r**2)

    total = quad(lambda r: r * profile(r), 0, 40)[0]
    for energy in (0.80, 0.95, 0.99):
        inside = quad(lambda r: r * profile(r), 0, energy_radius(energy, terms))[0]
        assert inside / total == pytest.approx(energy, rel=1e-6)
    square = quad(lambda r: r * profile(r) ** 2, 0, 40)[0]
    area = 2 * np.pi * total**2 / square
    assert effective_width(terms) == pytest.approx(0.663 * np.sqrt(area), rel=1e-6)
    width = moment_width(terms)

    def weighted(power):
        return quad(lambda r: r**power * profile(r) * np.exp(-0.5 * (r / width) ** 2), 0, 40)[0]

    # the matched Gaussian sees half of its own variance
    assert weighted(3) / weighted(1) == pytest.approx(width**2, rel=1e-6)
    assert enclosed(1e-9, terms) == pytest.approx(0.0, abs=1e-9)


def test_a_gaussian_has_one_width():
    terms = PsfTerms(amplitude_ratio=0.0)
    assert moment_width(terms) == pytest.approx(1.0)
    assert energy_radius(0.80, terms) == pytest.approx(np.sqrt(2 * np.log(5.0)))


def test_groups_give_the_separations_they_are_for():
    terms = PsfTerms()
    stars = psf_stars(terms, (60.0, -30.0), 5, 0)
    assert stars.mag.size == terms.stars
    x, y = stars.x[stars.reserved] * 60.0, stars.y[stars.reserved] * 60.0
    apart = np.hypot(x[:, None] - x, y[:, None] - y)
    group = np.arange(x.size) // 3
    assert apart[group[:, None] != group].min() > 5.0
    inside = apart[(group[:, None] == group) & (apart > 0)]
    assert np.mean(inside < 1.0) == pytest.approx(1 / 3)
    assert np.mean(terms.kernel(inside)) == pytest.approx(below_kernel(terms))
    assert np.mean(terms.kernel(inside[inside < 1.0])) == pytest.approx(near_kernel(terms))


@pytest.mark.parametrize("metric", sorted(BY_METRIC))
def test_measured_is_expected(metric, tables):
    made = make(metric)
    found = made.finish(made.fold(tables), {})
    assert {m.band for m in found} == {"r", "i"}
    expected = BY_METRIC[metric].value(Twin(), "r", None)
    worst = {b: [m for m in found if m.band == b and m.component in (None, "E1")] for b in "ri"}
    for (one,) in worst.values():
        assert one.status == "MEASURED", one.reason
        # twice the 95 % interval on each side: four standard errors
        low, high = one.interval.low, one.interval.high
        assert 2.0 * low - one.value <= expected <= 2.0 * high - one.value


def test_visits_do_not_depend_on_each_other():
    """One visit gives the same bytes whatever other visits there are."""
    scene = Scene(preset("tiny"), 3, Twin())
    all_visits = nights(scene)["truth_visit"]
    keep = np.arange(len(all_visits["visit"])) % 2 == 0
    some = {n: c[keep] for n, c in all_visits.items()}
    whole = source(replace(scene, tables={"truth_visit": all_visits}))["source"]
    half = source(replace(scene, tables={"truth_visit": some}))["source"]
    mine = np.isin(whole["visit"], half["visit"])
    for name, column in half.items():
        assert np.array_equal(column, whole[name][mine]), name


def test_a_survey_without_r_and_i_has_no_shapes():
    scene = Scene(preset("tiny"), 3, Twin(psf=PsfTerms(bands=())))
    assert len(source(replace(scene, tables=dict(nights(scene))))) == 0


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: s.metric)
def test_samples_have_the_value_they_are_asked_for(sampler):
    """The mean over many samples is the target: nothing is lost in between."""
    named = sampler.metric.split(".")[-1]
    target = {
        "sr1": 0.7, "sr2": 1.1, "sr3": 1.6, "se1": 0.03, "se2": 0.06, "ef1": 5.0,
        "te1": 2e-5, "te2": 1e-7, "te3": 4e-5, "te3_below_5arcmin": 4e-5, "te4": 2e-7,
        "tef": 15.0, "tef_below_5arcmin": 15.0,
    }[named]  # fmt: skip
    made = make(sampler.metric)
    values = []
    for seed in range(4):
        drawn = sampler.draw(Draw(targets={"r": target}, size=60, seed=seed))
        values += [m.value for m in made.finish(made.fold(drawn), {})]
    error = np.std(values) / np.sqrt(4)
    assert np.mean(values) == pytest.approx(target, rel=0.03, abs=4 * error)


@pytest.mark.parametrize(
    ("metric", "target"),
    [
        ("psf.energy_radius.sr3", 1.5),
        ("psf.ellipticity.se1", 0.03),
        ("psf.residual_correlation.tef", 10.0),
    ],
)
def test_order_and_partitions_change_no_digest(metric, target):
    made = make(metric)
    (sampler,) = (s for s in SAMPLERS if s.metric == metric)
    tables = sampler.draw(Draw(targets={"r": target, "i": 0.9 * target}, size=5, seed=1))
    order = np.random.default_rng(0).permutation(len(tables["source"]["visit"]))
    mixed = {n: c[order] for n, c in tables["source"].items()}
    state = made.zero()
    for k in range(4):
        part = {n: c[mixed["visit"] % 4 == k] for n, c in mixed.items()}
        state = made.merge(made.fold({**tables, "source": part}), state)
    assert state_digest(state) == state_digest(made.fold(tables))
