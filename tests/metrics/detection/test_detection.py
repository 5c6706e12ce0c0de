"""Completeness, purity and classes of a catalog against a truth that is known."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import ndtr

from skyassay.metrics.contract import state_digest
from skyassay.metrics.detection.classes import classes
from skyassay.metrics.detection.truth import mutual_nearest
from skyassay.metrics.registry import make
from skyassay.metrics.statistics.sky_grid import unit_vectors


def measured(metric, tables, at=None):
    plugin = make(metric)
    return plugin.finish(plugin.fold(tables), at or {})


def truth(level):
    return brentq(lambda m: ndtr(5.0 * 10.0 ** (-0.4 * (m - 25.0)) - 5.0) - level, 20.0, 27.0)


def without(tables, product, keep):
    return {**tables, product: {n: c[keep] for n, c in tables[product].items()}}


def test_the_magnitude_of_a_known_curve_is_found_across_ra_zero(sky):
    found = measured("detection.completeness.magnitude", sky(20_000))
    assert [m.at["completeness"] for m in found] == [50.0, 80.0, 90.0]
    for m in found:
        true = truth(m.at["completeness"] / 100.0)
        assert m.interval.low - 0.01 <= true <= m.interval.high + 0.01
        assert m.interval.high - m.interval.low < 0.12
        assert m.band == "i"


def test_a_line_between_bins_would_be_wrong_where_ours_is_right(sky):
    """The peers' estimator on the same data: wide bins, first crossing, an empty bin."""
    tables = sky(60_000)
    mag = np.concatenate([tables[p]["i_mag"] for p in ("truth_star", "truth_galaxy")])
    # analysis_tools' bins of half a magnitude around a curve that falls within half of one
    edges = np.arange(18.0, 27.1, 0.5)
    centre, rate = 0.5 * (edges[1:] + edges[:-1]), []
    for low, high in pairwise(edges):
        m = mag[(mag >= low) & (mag < high)]
        rate.append(float(ndtr(5.0 * 10.0 ** (-0.4 * (m - 25.0)) - 5.0).mean()))
    rate = np.array(rate)
    first = int(np.argmax(rate < 0.9))
    share = (rate[first - 1] - 0.9) / (rate[first - 1] - rate[first])
    line = centre[first - 1] + share * (centre[first] - centre[first - 1])
    ours = measured("detection.completeness.magnitude", tables)[-1]
    assert abs(ours.value - truth(0.9)) < 0.02 < abs(line - truth(0.9))
    # an empty bin is NaN there; here it is only fewer sources
    gap = {
        p: {n: c[(t["i_mag"] < 24.6) | (t["i_mag"] > 24.7)] for n, c in t.items()}
        for p, t in tables.items()
        if p != "object"
    }
    holed = measured("detection.completeness.magnitude", {**tables, **gap})[-1]
    assert holed.value == pytest.approx(truth(0.9), abs=0.03)


def test_the_mask_of_detections_is_not_that_of_the_truth(sky):
    """In analysis_tools the one overwrites the other: purity is then taken over the wrong set."""
    tables = sky(4000, false=40)
    purity = measured("detection.purity.false_share", tables)[0]
    number = len(tables["object"]["objectId"])
    assert (purity.n, purity.value) == (number, pytest.approx(100.0 * 40 / number))
    fewer = without(tables, "truth_star", slice(0, 0))
    # truth that is taken away makes detections false, and changes nothing else
    assert measured("detection.purity.false_share", fewer)[0].n == number


def test_false_detections_and_lost_positions_count(sky):
    tables = sky(4000, false=40)
    number = len(tables["object"]["objectId"])
    tables["object"]["coord_ra"][:10] = np.nan
    m = measured("detection.purity.false_share", tables)[0]
    assert m.value == pytest.approx(100.0 * 50 / number)
    assert m.interval.upper > m.value


def test_no_truth_is_no_purity(sky):
    tables = sky(2000)
    none = {**tables}
    for product in ("truth_star", "truth_galaxy"):
        none = without(none, product, slice(0, 0))
    m = measured("detection.purity.false_share", none)[0]
    assert (m.status, m.reason) == ("NOT_MEASURED", "no_truth")
    every = [make(n) for n in ("detection.completeness.magnitude", "detection.purity.false_share")]
    for plugin in every:
        assert plugin.finish(plugin.zero(), {}) == []


@pytest.mark.parametrize("number", [0, 1, 2, 30])
@pytest.mark.parametrize(
    "metric",
    [
        "detection.completeness.magnitude",
        "detection.purity.false_share",
        "detection.cut.completeness",
        "detection.cut.purity",
        "classification.star_galaxy.completeness",
        "classification.star_galaxy.purity",
    ],
)
def test_few_sources_are_not_measured(sky, metric, number):
    for m in measured(metric, sky(number) if number else without(sky(10), "object", slice(0, 0))):
        assert (m.status, m.value) == ("NOT_MEASURED", None)
        assert m.reason
        assert m.hint


def test_a_survey_that_never_reaches_the_level_says_so(sky):
    tables = sky(9000)
    kept = np.random.default_rng(3).random(len(tables["object"]["objectId"])) < 0.7
    found = measured("detection.completeness.magnitude", without(tables, "object", kept))
    assert [(m.status, m.at.get("completeness")) for m in found] == [
        ("MEASURED", 50.0),
        ("NOT_MEASURED", None),
    ]
    assert found[-1].reason == "level_not_reached"


def test_of_two_detections_of_one_source_one_is_false():
    a = unit_vectors(np.array([10.0, 10.0 + 0.2 / 3600]), np.zeros(2))
    b = unit_vectors(np.array([10.0 + 0.05 / 3600, 10.5]), np.zeros(2))
    chord = np.radians(0.5 / 3600)
    assert mutual_nearest(a, b, chord).tolist() == [0, -1]
    assert mutual_nearest(b, a, chord).tolist() == [0, -1]
    assert mutual_nearest(a[:0], b, chord).tolist() == []


def test_a_class_that_is_not_finite_is_never_star(sky):
    given = np.array([0.0, 0.49, 0.5, 1.0, np.nan, np.inf, -np.inf])
    assert classes(given, 0.5).tolist() == [1, 1, 0, 0, -1, -1, -1]
    tables = sky(9000, faint=24.0)
    objects = tables["object"]
    stars = np.flatnonzero(objects["refExtendedness"] == 0.0)
    objects["refExtendedness"][stars[::4]] = np.nan
    star, galaxy = measured("classification.star_galaxy.completeness", tables)
    assert (star.component, galaxy.component) == ("star", "galaxy")
    assert star.value == pytest.approx(75.0, abs=1.5)
    assert galaxy.value == 100.0
    star, galaxy = measured("classification.star_galaxy.purity", tables)
    assert (star.value, galaxy.value) == (100.0, 100.0)
    lost = measured("classification.star_galaxy.unclassified", tables)[0]
    assert lost.value == pytest.approx(0.25 * 30.0, abs=1.0)


def test_the_cut_is_chosen_where_it_is_not_judged(sky):
    tables = sky(20_000)
    objects = tables["object"]
    snr = objects["i_cModelFlux"] / objects["i_cModelFluxErr"]
    # most detections below S/N of 8 are moved away from their source
    faint = (snr < 8.0) & (np.arange(len(snr)) % 5 > 0)
    objects["coord_dec"] = objects["coord_dec"] + np.where(faint, 20.0 / 3600.0, 0.0)
    whole, pure = (measured(f"detection.cut.{n}", tables)[0] for n in ("completeness", "purity"))
    # The lowest cut that leaves 95 % of the choosing half pure keeps some of them.
    assert whole.at == pure.at
    assert 3.0 < pure.at["snr"] < 8.0
    assert pure.value > 94.0
    assert whole.value == pytest.approx(100.0, abs=1.0)
    bound = measured("detection.cut.purity", tables, {"snr": {"i": (3.0,)}})[0]
    assert bound.value < pure.value


def test_split_and_order_do_not_matter(sky):
    tables = sky(3000, false=5)
    plugin = make("detection.completeness.magnitude")
    rng = np.random.default_rng(5)
    parts = []
    which = {p: rng.integers(0, 3, len(t["objectId"])) for p, t in tables.items()}
    for k in range(3):
        index = {p: rng.permutation(np.flatnonzero(w == k)) for p, w in which.items()}
        parts.append({p: {n: c[index[p]] for n, c in t.items()} for p, t in tables.items()})
    state = plugin.zero()
    for part in parts:
        state = plugin.merge(state, plugin.fold(part))
    assert state_digest(state) == state_digest(plugin.fold(tables))


def test_a_sample_of_the_sky_leaves_out_its_edges(sky):
    from skyassay.metrics.states import sky_sample

    tables = sky(9000, false=90)
    plugin = make("detection.purity.false_share")
    state = plugin.fold(tables)
    bounded = sky_sample._canonical(
        sky_sample.SkySample(state.side, state.tables, state.counts, None, 6000)
    )
    assert bounded.cut is not None
    m = plugin.finish(bounded, {})[0]
    full = plugin.finish(state, {})[0]
    assert m.n < full.n
    assert m.interval.low < full.value < m.interval.high
