"""Fluxes, positions, efficiency, false detections, images, catalogs and association."""

import numpy as np
import pytest

from skyassay.metrics.difference.association import (
    MixedObjects,
    RightAssociations,
    SplitSources,
)
from skyassay.metrics.difference.catalogs import UnsoundForced, UnsoundObjects, UnsoundSources
from skyassay.metrics.difference.efficiency import EfficiencyMagnitude
from skyassay.metrics.difference.images import (
    AbsentDifferences,
    DetectionThreshold,
    ImagePull,
    UntracedDifferences,
)
from skyassay.metrics.difference.offsets import FluxBias, FluxPull, PositionBias, PositionError
from skyassay.metrics.difference.spurious import SpuriousRate
from skyassay.simulator.samples.differences import draw_position_error, joined, night, pick
from skyassay.simulator.samples.model import Draw

MEASURED = (FluxBias, FluxPull, PositionBias, PositionError, EfficiencyMagnitude)
STEP = 1.0 / 3600.0


def made(cls):
    return cls(cls.recipes["srd"])


def all_of(cls, tables):
    metric = made(cls)
    return metric.finish(metric.fold({n: tables[n] for n in metric.inputs}), {})


def one(cls, tables):
    (found,) = all_of(cls, tables)
    return found


@pytest.fixture(scope="module")
def injected():
    """Return injected sources, 0.05 arcsec of scatter, with 2 % too little flux."""
    tables = draw_position_error(Draw({"": 0.05}, 12, 3, share=0.2))
    rng = np.random.default_rng(1)
    found = tables["injected_dia_source"]
    noise = 100.0 * rng.standard_normal(len(found["snr"]))
    flux = 0.98 * found["psfFlux"] + noise
    return {**tables, "injected_dia_source": {**found, "psfFlux": flux}}


def test_errors_of_known_size(injected):
    m = one(FluxBias, injected)
    assert m.value == pytest.approx(-2.0, abs=0.6)
    assert m.interval.low < -2.0 < m.interval.high
    m = one(FluxPull, injected)
    assert m.value == pytest.approx(np.sqrt(1 + 0.32**2), abs=0.06)
    m = one(PositionError, injected)
    assert m.value == pytest.approx(0.05, rel=0.1)
    assert m.interval.low < m.value < m.interval.high < 0.1
    ra, dec = all_of(PositionBias, injected)
    assert (ra.component, dec.component) == ("ra", "dec")
    for side in (ra, dec):
        assert side.interval.low < 0.0 < side.interval.high
        assert abs(side.value) < 30.0


def test_an_offset_to_the_east_is_to_the_east(injected):
    found = injected["injected_dia_source"]
    shift = 0.2 * STEP / np.cos(np.radians(found["dec"]))
    moved = {**injected, "injected_dia_source": {**found, "ra": found["ra"] + shift}}
    before, after = (all_of(PositionBias, t)[0].value for t in (injected, moved))
    assert after - before == pytest.approx(200.0, abs=1.0)


@pytest.mark.parametrize("cls", MEASURED)
def test_next_to_nothing_of_injected(injected, cls):
    metric = made(cls)
    for rows in (0, 1, 2):
        few = {n: {c: v[:rows] for c, v in injected[n].items()} for n in metric.inputs}
        found = metric.finish(metric.fold(few), {})
        assert [m.status for m in found] == ["NOT_MEASURED"] * min(rows, 1)
    bad = {
        n: {c: v * np.nan if v.dtype.kind == "f" else v for c, v in injected[n].items()}
        for n in metric.inputs
    }
    assert {m.status for m in metric.finish(metric.fold(bad), {})} == {"NOT_MEASURED"}
    parts = [
        metric.fold({n: pick(injected[n], injected[n]["visit"] % 2 == k) for n in metric.inputs})
        for k in (1, 0)
    ]
    whole = metric.fold({n: injected[n] for n in metric.inputs})
    assert metric.merge(*parts).to_bytes() == whole.to_bytes()
    assert metric.evidence(metric.zero()) == {}
    assert metric.evidence(whole)


def test_fluxes_that_are_missing_are_not_left_out(injected):
    found = injected["injected_dia_source"]
    flux = np.where(np.arange(len(found["snr"])) % 5 == 0, np.nan, found["psfFlux"])
    bad = {**injected, "injected_dia_source": {**found, "psfFlux": flux}}
    assert one(FluxBias, bad).reason == "no_flux"


def test_half_of_the_sources_are_found_at_the_right_magnitude():
    rng = np.random.default_rng(4)
    tables = night(Draw({"": 0.0}, 20, 2), "injected", 1.0, 1.0)
    truth, found = tables["truth_injected_source"], tables["injected_dia_source"]
    mag = rng.uniform(20.0, 26.0, len(truth["flux"]))
    seen = rng.random(len(mag)) < 1.0 / (1.0 + np.exp(4.0 * (mag - 23.3)))
    tables = {
        "truth_injected_source": {**truth, "flux": 10 ** (0.4 * (31.4 - mag))},
        "injected_dia_source": pick(found, seen),
    }
    for m in all_of(EfficiencyMagnitude, tables):
        assert m.band in ("r", "i")
        assert m.value == pytest.approx(23.3, abs=0.12)
        assert m.interval.low < m.value < m.interval.high


def quality(tables, n_pixel=1_000_000):
    key = np.unique(np.column_stack([tables["visit"], tables["detector"]]), axis=0)
    n = len(key)
    return {
        "visit": key[:, 0],
        "detector": key[:, 1],
        "nPixel": np.full(n, n_pixel),
        "templateCoverage": np.ones(n),
        "pullStd": 1.0 + 0.01 * np.random.default_rng(1).standard_normal(n),
        "threshold": np.full(n, 5.0),
        "nTemplateVisits": np.full(n, 4),
        "nKernelStars": np.full(n, 30),
        "kernelSum": np.ones(n),
        "nPositive": np.full(n, 18),
        "nNegative": np.zeros(n, dtype=int),
    }


def test_false_detections_per_area():
    tables = dict(night(Draw({"": 0.0}, 12, 5), "injected", 1.0, 0.9))
    tables["difference_quality"] = quality(tables["dia_source"])
    m = one(SpuriousRate, tables)
    area = 12 * 9 * 1e6 * (0.2 / 3600) ** 2
    truth, found = tables["truth_dia_source"], tables["dia_source"]
    assert m.value == pytest.approx((len(found["snr"]) - len(truth["snr"])) / area)
    assert m.diagnostics["area"] == pytest.approx(area)
    assert m.interval.low < m.value < m.interval.high
    none = {**tables, "truth_dia_source": pick(truth, slice(0, 0))}
    assert one(SpuriousRate, none).reason == "no_usable_row"
    flat = {**tables, "difference_quality": quality(found, 0)}
    assert one(SpuriousRate, flat).reason == "too_few_visits"


def test_images_say_how_they_were_made():
    source = night(Draw({"": 0.0}, 6, 5), "injected", 1.0, 1.0)["dia_source"]
    table = quality(source)
    n = len(table["visit"])
    books = {**{k: table[k] for k in ("visit", "detector")}, "status": np.full(n, "DONE")}
    tables = {"difference_quality": table, "night_detector": books}
    assert one(DetectionThreshold, tables).value == 5.0
    assert one(ImagePull, tables).value == pytest.approx(1.0, abs=0.01)
    for cls in (AbsentDifferences, UntracedDifferences):
        m = one(cls, tables)
        assert (m.value, m.diagnostics["shown"]) == (0.0, True)

    def spoilt(column, value):
        changed = table[column].astype(float)
        changed[3] = value
        return {**tables, "difference_quality": {**table, column: changed}}

    assert one(DetectionThreshold, spoilt("threshold", 5.5)).value == 5.5
    assert one(DetectionThreshold, spoilt("threshold", np.nan)).reason == "incomplete_census"
    assert one(AbsentDifferences, spoilt("pullStd", 1.4)).value == 1.0
    assert one(AbsentDifferences, spoilt("templateCoverage", 0.0)).value == 1.0
    assert one(UntracedDifferences, spoilt("kernelSum", np.nan)).value == 1.0
    lost = {**tables, "difference_quality": pick(table, np.arange(n) != 2)}
    assert one(AbsentDifferences, lost).value == 1.0
    holes = {**table, "pullStd": np.where(np.arange(n) % 5 == 0, np.nan, table["pullStd"])}
    assert one(ImagePull, {"difference_quality": holes}).reason == "rows_incomplete"
    assert all_of(ImagePull, {"difference_quality": pick(table, slice(0, 0))}) == []
    assert (
        one(ImagePull, {"difference_quality": pick(table, slice(0, 2))}).reason == "too_few_visits"
    )


def test_rows_of_catalogs():
    source = dict(night(Draw({"": 0.0}, 6, 5), "injected", 1.0, 1.0)["dia_source"])
    source["midpointMjdTai"] = 61_000.0 + source["visit"]
    tables = {"dia_source": source, "difference_quality": quality(source)}
    assert one(UnsoundSources, tables).diagnostics["shown"] is True
    flux = source["psfFlux"].copy()
    flux[:3] = np.nan
    flag = np.arange(len(flux)) < 2
    bad = {**tables, "dia_source": {**source, "psfFlux": flux, "psfFlux_flag": flag}}
    assert one(UnsoundSources, bad).value == 1.0
    gone = pick(source, ~((source["visit"] == 2) & (source["detector"] == 4)))
    assert one(UnsoundSources, {**tables, "dia_source": gone}).value == 1.0

    pairs = np.unique(np.column_stack([source["visit"], source["diaObjectId"]]), axis=0)
    forced = {
        "visit": pairs[:, 0],
        "diaObjectId": pairs[:, 1],
        "detector": pairs[:, 1] // 1_000_000,
        "psfDiffFlux": np.full(len(pairs), 50.0),
        "psfDiffFluxErr": np.full(len(pairs), 9.0),
    }
    both = {"dia_source": source, "dia_object_forced_source": forced}
    assert one(UnsoundForced, both).diagnostics["shown"] is True
    few = {**both, "dia_object_forced_source": pick(forced, np.arange(len(pairs)) != 7)}
    assert one(UnsoundForced, few).diagnostics["wrong.no_row"] == 1
    dark = {**forced, "psfDiffFluxErr": np.where(np.arange(len(pairs)) == 4, 0.0, 9.0)}
    assert one(UnsoundForced, {**both, "dia_object_forced_source": dark}).value == 1.0


def test_rows_of_objects():
    n = 40
    table = {
        "diaObjectId": np.arange(n) + 1,
        "ra": np.full(n, 10.0),
        "dec": np.full(n, 1.0),
        "raErr": np.full(n, 1e-5),
        "decErr": np.full(n, 1e-5),
        "nDiaSources": np.full(n, 3),
        "r_psfFluxNdata": np.where(np.arange(n) % 2, 3.0, 1.0),
        "r_psfFluxMean": np.full(n, 100.0),
        "r_psfFluxMeanErr": np.full(n, 5.0),
        "r_psfFluxSigma": np.where(np.arange(n) % 2, 20.0, np.nan),
    }
    assert one(UnsoundObjects, {"dia_object": table}).value == 0.0
    for column, value, check in (
        ("raErr", 0.0, "position"),
        ("nDiaSources", 0, "no_source"),
        ("r_psfFluxMeanErr", np.nan, "mean"),
        ("r_psfFluxSigma", np.nan, "scatter"),
    ):
        bad = table[column].astype(float)
        bad[5] = value
        m = one(UnsoundObjects, {"dia_object": {**table, column: bad}})
        assert m.diagnostics[f"wrong.{check}"] == 1
    bare = {k: v for k, v in table.items() if not k.startswith("r_")}
    assert one(UnsoundObjects, {"dia_object": bare}).reason == "nothing_filled"


@pytest.fixture(scope="module")
def associated():
    tables = night(Draw({"": 0.0}, 6, 9), "injected", 1.0, 1.0)
    return {n: tables[n] for n in ("dia_source", "truth_dia_source")}


def test_perfect_association(associated):
    assert one(MixedObjects, associated).value == 0.0
    assert one(SplitSources, associated).value == 0.0
    m = one(RightAssociations, associated)
    assert (m.value, m.diagnostics["shown"]) == (100.0, True)


def test_mixed_and_split(associated):
    found = associated["dia_source"]
    source = found["diaObjectId"] - 1 - found["detector"] * 1_000_000
    # source 1 goes to the object of source 0; source 2 is split over visits
    merged = np.where(source == 1, found["diaObjectId"] - 1, found["diaObjectId"])
    split = np.where((source == 2) & (found["visit"] > 3), 5 * 10**8 + found["detector"], merged)
    tables = {**associated, "dia_source": {**found, "diaObjectId": split}}
    mixed = one(MixedObjects, tables)
    # 9 detectors: of 12 sources 10 objects are pure, one is mixed, one is an extra half
    assert mixed.value == pytest.approx(100.0 / 12.0)
    assert one(SplitSources, tables).value == pytest.approx(100.0 / 12.0)
    assert one(RightAssociations, tables).value == pytest.approx(100.0 * (12 - 1.5) / 12)


def test_a_detection_without_a_record_is_not_right(associated):
    found = associated["dia_source"]
    none = np.where(found["visit"] == 1, 0, found["diaObjectId"])
    m = one(RightAssociations, {**associated, "dia_source": {**found, "diaObjectId": none}})
    assert m.value == pytest.approx(100.0 * 5 / 6)
    assert m.diagnostics["shown"] is False


def test_movers_are_not_judged_here(associated):
    truth = associated["truth_dia_source"]
    moving = {**truth, "kind": np.full(len(truth["kind"]), "solar_system")}
    m = one(MixedObjects, {**associated, "truth_dia_source": moving})
    assert m.reason == "no_usable_row"


def test_twice_the_rows_of_two_nights_join(associated):
    metric = made(SplitSources)
    later = {n: {**t, "visit": t["visit"] + 100} for n, t in associated.items()}
    later["dia_source"]["diaSourceId"] = later["dia_source"]["diaSourceId"] + 10**13
    both = {n: joined(associated[n], later[n]) for n in associated}
    halves = metric.merge(metric.fold(later), metric.fold(associated))
    assert halves.to_bytes() == metric.fold(both).to_bytes()
