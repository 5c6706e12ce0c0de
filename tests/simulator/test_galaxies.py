"""The twin's galaxies: what metrics find is what the terms say; stars are left alone."""

import numpy as np
import pytest

from skyassay.metrics.registry import make
from skyassay.simulator.expectations import galaxies as expected
from skyassay.simulator.galaxies import FALSE_ID, GALAXY_ID, Galaxies
from skyassay.simulator.parts import (
    PARTS,
    build,
    galaxies,
    galaxy_coadds,
    galaxy_visits,
    variables,
)
from skyassay.simulator.presets import preset
from skyassay.simulator.twin import Twin

TWIN = Twin()
OURS = (variables, galaxies, galaxy_coadds, galaxy_visits)


@pytest.fixture(scope="module")
def scene():
    return build(preset("small"), 1, TWIN)


@pytest.fixture(scope="module")
def without():
    return build(preset("small"), 1, TWIN, tuple(p for p in PARTS if p not in OURS))


def found(scene, metric):
    plugin = make(metric)
    made = plugin.finish(plugin.fold(scene.tables), {})
    assert made
    return made


def agrees(m, true, allowed=0.0):
    """The value is within four standard errors, or its error, of the population's."""
    error = (m.interval.high - m.interval.low) / 3.92
    assert abs(m.value - true) <= 4.0 * error + allowed, (m.metric, m.band, m.at, m.value, true)


def test_galaxies_scatter_as_their_terms_say(scene):
    made = found(scene, "photometry.resolved.ratio_radius")
    assert {m.band for m in made} == set("ugrizy")
    for m in made:
        agrees(m, expected.ratio(TWIN, m.band))
        assert m.interval.upper < 2.0


def test_completeness_is_that_of_the_threshold(scene):
    for m in found(scene, "detection.completeness.magnitude"):
        agrees(m, expected.completeness_magnitude(TWIN, "i", m.at["completeness"]), 0.01)


def test_false_detections_have_their_share(scene):
    (m,) = found(scene, "detection.purity.false_share")
    number = int((scene["object"]["objectId"] > FALSE_ID).sum())
    # A galaxy beside another may be taken for it: at most a few of thousands.
    assert number <= round(m.value / 100.0 * m.n) <= number + 3
    assert m.n == scene["object"]["objectId"].size
    assert m.n == pytest.approx(expected.detections(TWIN, scene.preset), rel=0.02)


def test_galaxies_called_stars_have_their_share(scene):
    made = {m.component: m for m in found(scene, "classification.star_galaxy.completeness")}
    lost = expected.galaxies_called_stars(TWIN, 18.0, 23.0)
    agrees(made["galaxy"], 100.0 * (1.0 - lost) * (1.0 - TWIN.galaxies.unclassified))
    assert made["star"].value > 99.9


def test_redshifts_have_their_mixture(scene):
    for name in ("scatter", "bias", "outliers"):
        (m,) = found(scene, f"galaxies.photoz.{name}")
        agrees(m, getattr(expected, f"photoz_{name}")(TWIN))


def test_censuses_hold_and_missing_values_are_those_put_in(scene):
    for name in ("catalog.ids.shared", "catalog.photoz.unexplained", "catalog.errors.unsound"):
        (m,) = found(scene, name)
        assert (m.value, m.diagnostics["shown"]) == (0.0, True)
    galaxy = scene["object"]["objectId"] > GALAXY_ID
    for m in found(scene, "catalog.fluxes.invalid"):
        put_in = TWIN.galaxies.missing * galaxy.sum()
        assert abs(m.value / 100.0 * m.n - put_in) < 4.0 * np.sqrt(put_in)


@pytest.mark.parametrize("metric", ["photometry.repeatability.pa1", "astrometry.relative.am1"])
def test_stars_measure_the_same_with_galaxies_beside_them(scene, without, metric):
    both = [found(s, metric) for s in (scene, without)]
    for a, b in zip(*both, strict=True):
        assert (a.value, a.interval, a.n, a.band) == (b.value, b.interval, b.n, b.band)


def test_rows_of_stars_come_first_and_keep_their_values(scene, without):
    for product in ("matched_source", "object"):
        before, after = without[product], scene[product]
        rows = before["objectId"].size
        assert after["objectId"].size > rows
        assert np.array_equal(after["objectId"][:rows], before["objectId"])
        ids = np.unique(after["objectId"])
        assert product == "matched_source" or ids.size == after["objectId"].size
    source = scene["matched_source"]["sourceId"]
    assert np.unique(source).size == source.size


def test_sizes_and_magnitudes_are_inside_their_ranges():
    terms = Galaxies()
    u = np.linspace(1e-6, 1.0 - 1e-6, 2001)
    assert terms.i_magnitude(np.array([0.0, 1.0])) == pytest.approx([terms.bright, terms.faint])
    assert np.median(terms.radius(u)) == pytest.approx(terms.size)
    assert terms.radius(u).max() <= terms.size_max
    assert np.all(np.diff(terms.detected(np.linspace(17, 27, 50), np.full(50, 0.5))) <= 0.0)


def test_variables_are_in_the_truth_and_on_coadds_but_not_among_repeats(scene):
    star = scene["truth_star"]
    vary = star["isVariable"]
    assert vary.sum() == int(3000 * TWIN.variables.share)
    assert np.all(star["r_amplitude"][vary] > 0.0)
    assert np.all(star["r_amplitude"][~vary] == 0.0)
    ids = star["objectId"][vary]
    assert np.isin(ids, scene["object"]["objectId"]).all()
    assert not np.isin(ids, scene["matched_source"]["objectId"]).any()
    # A mean over few phases is off by less than the amplitude, and by more than noise.
    at = np.searchsorted(scene["object"]["objectId"], ids)
    mag = 31.4 - 2.5 * np.log10(scene["object"]["r_psfFlux"][at])
    off = np.abs(mag - star["r_mag"][vary]) / star["r_amplitude"][vary]
    assert 0.05 < np.median(off) < 0.6
