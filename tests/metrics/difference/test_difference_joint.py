"""Completeness and purity at one cut: known shares, disjoint halves, bad tables."""

import numpy as np
import pytest

from skyassay.metrics.difference.joint import CHOOSING, JUDGING, half_of
from skyassay.metrics.difference.matching import partners
from skyassay.metrics.difference.transients import (
    MovingCompleteness,
    MovingPurity,
    TransientCompleteness,
    TransientPurity,
)
from skyassay.simulator.samples.differences import joined, night, pick
from skyassay.simulator.samples.model import Draw

ALL = (TransientCompleteness, TransientPurity, MovingCompleteness, MovingPurity)
DRAW = Draw({"": 0.0}, 12, 5)


def made(cls):
    return cls(cls.recipes["srd"])


def one(cls, tables):
    metric = made(cls)
    (found,) = metric.finish(metric.fold({n: tables[n] for n in metric.inputs}), {})
    return found


@pytest.fixture(scope="module")
def sky():
    return night(DRAW, "injected", 0.9, 0.95)


@pytest.fixture(scope="module")
def moving():
    return night(DRAW, "solar_system", 0.9, 0.95)


def test_known_shares(sky, moving):
    for cls, share in ((TransientCompleteness, 90.0), (TransientPurity, 95.0)):
        m = one(cls, sky)
        assert m.value == pytest.approx(share, abs=3.5)
        assert m.interval.low < m.value < m.interval.high
        assert m.at == {"transSampleSNR": 6.0}
        # What is false by its score is cut away, what is real is not.
        assert 0.2 < m.diagnostics["cut"] <= 0.995
    m = one(MovingCompleteness, moving)
    assert m.value == pytest.approx(90.0, abs=3.5)
    assert m.at == {"transSampleSNR": 5.0}
    assert 80.0 < one(MovingPurity, moving).value < 97.0


def test_the_halves_are_disjoint_and_only_one_is_judged(sky):
    metric = made(TransientCompleteness)
    state = metric.fold({n: sky[n] for n in metric.inputs})
    half = half_of(state.truth)
    assert set(half.tolist()) == {CHOOSING, JUDGING}
    (m,) = metric.finish(state, {})
    assert m.n == (half == JUDGING).sum()
    # a detector-visit is in one half, of truth and of detections
    key = state.truth["visit"] * 1000 + state.truth["detector"]
    assert {len(set(half[key == k].tolist())) for k in np.unique(key)} == {1}
    # spoil the half that chooses: the value stays
    bad = state.truth["score"].copy()
    bad[half == CHOOSING] = np.nan
    object.__setattr__(state.truth, "columns", {**state.truth.columns, "score": bad})
    (again,) = metric.finish(state, {})
    assert again.value == m.value


def test_snr_is_bound(sky):
    metric = made(TransientCompleteness)
    state = metric.fold({n: sky[n] for n in metric.inputs})
    six, ten = metric.finish(state, {"transSampleSNR": {"r": (10.0,), "i": (6.0,)}})
    assert (six.at["transSampleSNR"], ten.at["transSampleSNR"]) == (6.0, 10.0)
    assert ten.n < six.n


def test_matching_is_one_to_one_on_one_image():
    step = 0.4 / 3600.0
    truth = {"visit": [1, 1, 2], "detector": [0, 0, 0], "ra": [10.0, 10.0 + 9 * step, 10.0]}
    truth = {n: np.array(c) for n, c in truth.items()} | {"dec": np.zeros(3)}
    found = {
        "visit": np.array([1, 1, 1, 3, 2]),
        "detector": np.array([0, 0, 1, 0, 0]),
        "ra": np.array([10.0 + step, 10.0 + 2 * step, 10.0, 10.0, np.nan]),
        "dec": np.zeros(5),
    }
    assert partners(found, truth, 1.0).tolist() == [0, -1, -1, -1, -1]
    assert partners(found, truth, 0.3).tolist() == [-1] * 5
    across = {**truth, "ra": np.array([360.0 - step, 90.0, 180.0])}
    at_zero = {n: c[:1] for n, c in found.items()} | {"ra": np.array([0.0])}
    assert partners(at_zero, across, 1.0).tolist() == [0]


def test_a_twin_of_a_detection_is_false_and_a_weak_truth_makes_nothing_real(sky):
    extra = pick(sky["dia_source"], sky["dia_source"]["reliability"] > 0.9)
    twin = {
        **extra,
        "diaSourceId": extra["diaSourceId"] + 10**12,
        "dec": extra["dec"] + 0.6 / 3600.0,
    }
    doubled = {**sky, "dia_source": joined(sky["dia_source"], twin)}
    assert one(TransientPurity, doubled).value == pytest.approx(47.5, abs=3.0)
    truth = sky["truth_dia_source"]
    weak = np.where(np.arange(len(truth["snr"])) % 2, 1.0, truth["snr"])
    half = {**sky, "truth_dia_source": {**truth, "snr": weak}}
    assert one(TransientPurity, half).value == pytest.approx(47.5, abs=3.0)


def test_a_source_without_a_score_survives_no_cut(sky):
    found = sky["injected_dia_source"]
    none = np.where(np.arange(len(found["snr"])) % 3 == 0, np.nan, found["reliability"])
    m = one(TransientCompleteness, {**sky, "injected_dia_source": {**found, "reliability": none}})
    assert m.value == pytest.approx(60.0, abs=5.0)


def test_negative_sources_count_by_their_size(sky):
    flip = {
        **sky,
        "dia_source": {**sky["dia_source"], "snr": -sky["dia_source"]["snr"]},
        "truth_dia_source": {
            **sky["truth_dia_source"],
            "snr": -sky["truth_dia_source"]["snr"],
        },
    }
    assert one(TransientPurity, flip).value == one(TransientPurity, sky).value


@pytest.mark.parametrize("cls", ALL)
def test_parts_and_order_do_not_matter(sky, moving, cls):
    tables = moving if "moving" in cls.id else sky
    metric = made(cls)
    tables = {n: tables[n] for n in metric.inputs}
    whole = metric.fold(tables)
    parts = [
        metric.fold({n: pick(t, t["visit"] % 3 == k) for n, t in tables.items()}) for k in range(3)
    ]
    rng = np.random.default_rng(3)
    mixed = {n: pick(t, rng.permutation(len(t["visit"]))) for n, t in tables.items()}
    ab = metric.merge(metric.merge(parts[0], parts[1]), parts[2])
    ba = metric.merge(parts[2], metric.merge(parts[1], parts[0]))
    assert len({s.to_bytes() for s in (whole, ab, ba, metric.fold(mixed))}) == 1
    assert metric.merge(metric.zero(), whole).to_bytes() == whole.to_bytes()
    assert metric.finish(metric.zero(), {}) == []


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_next_to_nothing_is_not_measured(sky, moving, cls, rows):
    tables = moving if "moving" in cls.id else sky
    metric = made(cls)
    for spoilt in metric.inputs:
        few = {n: tables[n] for n in metric.inputs}
        few[spoilt] = {n: c[:rows] for n, c in few[spoilt].items()}
        for m in metric.finish(metric.fold(few), {}):
            assert m.value is None or rows > 0 or np.isfinite(m.value)
            if rows == 0:
                assert m.reason == "no_usable_row"
    few = {n: {c: v[:rows] for c, v in tables[n].items()} for n in metric.inputs}
    assert {m.status for m in metric.finish(metric.fold(few), {})} <= {"NOT_MEASURED"}


@pytest.mark.parametrize("cls", ALL)
def test_no_number_passes_nothing(sky, moving, cls):
    tables = moving if "moving" in cls.id else sky
    metric = made(cls)
    for spoilt in metric.inputs:
        bad = {n: tables[n] for n in metric.inputs}
        bad[spoilt] = {
            n: np.full(len(c), np.nan) if c.dtype.kind == "f" else c for n, c in bad[spoilt].items()
        }
        (m,) = metric.finish(metric.fold(bad), {})
        assert m.reason == "no_usable_row", spoilt


def test_detections_without_snr_are_not_left_out_silently(sky):
    found = sky["dia_source"]
    snr = np.where(np.arange(len(found["snr"])) % 10 == 0, np.nan, found["snr"])
    m = one(TransientPurity, {**sky, "dia_source": {**found, "snr": snr}})
    assert m.reason == "rows_incomplete"


def test_curves(sky):
    metric = made(TransientCompleteness)
    state = metric.fold({n: sky[n] for n in metric.inputs})
    (table,) = metric.evidence(state).values()
    assert set(table["axis"].tolist()) == {"snr", "separation"}
    assert np.average(table["value"], weights=table["n"]) == pytest.approx(90.0, abs=2.0)
    (table,) = made(TransientPurity).evidence(state).values()
    assert set(table["axis"].tolist()) == {"snr", "cut"}
    by_cut = table["value"][table["axis"] == "cut"]
    assert by_cut[0] < by_cut[-1]
    assert metric.evidence(metric.zero()) == {}
