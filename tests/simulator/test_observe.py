"""Every error term is found again in the simulated table, with its size."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.simulator.cadence import Cadence, visits
from skyassay.simulator.conditions import Site
from skyassay.simulator.error_model import POGSON, default_model
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.expected import expected
from skyassay.simulator.geometry import basis
from skyassay.simulator.observe import observe
from skyassay.simulator.population import truth_population
from skyassay.simulator.universe import Universe, star_table
from skyassay.simulator.visit_errors import with_errors

VISITS, STARS = 240, 90
QUIET = default_model().with_bands(
    photon=0.0, floor_mmag=0.0, zero_point_visit_mmag=0.0, zero_point_detector_mmag=0.0,
    white_mas=0.0, translation_mas=0.0, scale=0.0, shear=0.0, offset_ra_mas=0.0, offset_dec_mas=0.0,
)  # fmt: skip
QUIET = replace(QUIET, flag_rate=0.0)
FIELDS = [(60.0, -30.0), (0.0, -2.0), (359.9999, -25.0), (120.0, -90.0), (10.0, -89.5)]


def survey(model, field=(60.0, -30.0), seed=11, bands=("r",), n=STARS, count=VISITS):
    site = Site(latitude=field[1] if abs(field[1]) > 60 else -30.0)
    cadence = Cadence(visits_per_band=count, nights=8, bands=bands, fields=(field,), site=site)
    universe = Universe(stars=n, radius=1.7, bright=17.5, faint=19.0)
    stars = star_table(universe, cadence.fields, seed, cadence.start)
    truth = with_errors(visits(cadence, seed), model, seed)
    return stars, truth, observe(stars, truth, model, seed)


def millimag(stars, table, band="r"):
    """Magnitude errors (star, visit) in mmag."""
    true = stars[f"{band}_mag"][table["objectId"] - 1]
    return (1e3 * (31.4 - 2.5 * np.log10(table["psfFlux"]) - true)).reshape(
        stars["objectId"].size, -1
    )


def offsets(stars, table):
    """Displacements (star, visit) in mas along each star's own east and north."""
    p, east, north = basis(stars["coord_ra"], stars["coord_dec"])
    which = table["objectId"] - 1
    seen = basis(table["coord_ra"], table["coord_dec"])[0] - p[:, which]
    mas = np.degrees(1.0) * 3.6e6
    shape = (stars["objectId"].size, -1)
    return tuple((mas * (seen * v[:, which]).sum(axis=0)).reshape(shape) for v in (east, north))


def test_no_error_terms_give_the_truth_back():
    stars, _, table = survey(QUIET, count=4)
    assert np.abs(millimag(stars, table)).max() < 1e-6
    assert max(np.abs(o).max() for o in offsets(stars, table)) < 1e-3


def test_floor_is_white():
    stars, _, table = survey(QUIET.with_bands(floor_mmag=2.0))
    error = millimag(stars, table)
    assert error.std() == pytest.approx(2.0, rel=0.02)
    assert error.mean(axis=0).std() == pytest.approx(2.0 / np.sqrt(STARS), rel=0.2)


def test_visit_zero_point_is_shared_and_written_down():
    stars, truth, table = survey(QUIET.with_bands(zero_point_visit_mmag=3.0))
    error = millimag(stars, table)
    assert error.std(axis=0).max() < 1e-6
    assert error[0].std() == pytest.approx(3.0, rel=0.12)
    assert np.allclose(error[0], 1e3 * truth["zeroPointOffset"], atol=1e-6)


def test_detector_zero_point_is_shared_by_the_detector_only():
    stars, truth, table = survey(QUIET.with_bands(zero_point_detector_mmag=3.0))
    error, detector = millimag(stars, table), table["detector"].reshape(STARS, -1)
    assert set(np.unique(detector)) <= set(range(9))
    assert np.unique(detector).size >= 8
    for k in np.unique(detector):
        mine = detector[:, 0] == k
        expected = 1e3 * truth[f"zeroPointOffset_detector{k}"]
        same = detector[mine] == k
        assert np.allclose(
            error[mine][same], np.broadcast_to(expected, same.shape)[same], atol=1e-6
        )
    assert error.std() == pytest.approx(3.0, rel=0.1)


def test_photon_noise_follows_magnitude_and_depth():
    stars, truth, table = survey(QUIET.with_bands(photon=1.0))
    error = millimag(stars, table)
    loud = replace(QUIET["r"], photon=1.0)
    sigma = 1e3 * loud.photon_mag(stars["r_mag"][:, None], truth["magLim"][None, :])
    assert (error / sigma).std() == pytest.approx(1.0, rel=0.02)
    quoted = 1e3 * POGSON * table["psfFluxErr"] / table["psfFlux"]
    assert np.allclose(quoted.reshape(sigma.shape), sigma, rtol=0.03)


def test_photon_noise_moves_positions_by_fwhm_over_snr():
    stars, truth, table = survey(QUIET.with_bands(photon=1.0, centroid=0.6))
    sigma = 600 * truth["seeing"] * (table["psfFluxErr"] / table["psfFlux"]).reshape(STARS, -1)
    for o in offsets(stars, table):
        assert (o / sigma).std() == pytest.approx(1.0, rel=0.03)


@pytest.mark.parametrize("field", FIELDS)
def test_white_astrometric_noise_anywhere_on_the_sky(field):
    stars, _, table = survey(QUIET.with_bands(white_mas=5.0), field, count=60)
    assert table["coord_ra"].min() >= 0.0
    assert table["coord_ra"].max() < 360.0
    for o in offsets(stars, table):
        assert o.std() == pytest.approx(5.0, rel=0.03)
        assert abs(o.mean()) < 0.35


@pytest.mark.parametrize("field", FIELDS)
def test_translation_changes_no_separation(field):
    _, truth, table = survey(QUIET.with_bands(translation_mas=20.0), field, count=60)
    p = basis(table["coord_ra"], table["coord_dec"])[0].reshape(3, STARS, -1)
    mas = np.degrees(1.0) * 3.6e6
    apart = mas * np.linalg.norm(p[:, 1:] - p[:, :1], axis=0)
    assert apart.std(axis=1).max() < 1e-3
    assert truth["raOffset"].std() == pytest.approx(20.0, rel=0.25)


def test_translation_is_the_one_written_down():
    stars, truth, table = survey(QUIET.with_bands(translation_mas=20.0))
    near = np.argmin(np.hypot(stars["coord_ra"] - 60.0, stars["coord_dec"] + 30.0))
    east, north = offsets(stars, table)
    assert np.allclose(east[near], truth["raOffset"], atol=0.5)
    assert np.allclose(north[near], truth["decOffset"], atol=0.5)


@pytest.mark.parametrize("field", FIELDS)
def test_distortion_is_separation_times_the_term(field):
    model = QUIET.with_bands(scale=3e-7, shear=2e-7)
    _, _, table = survey(model, field, count=400, n=30)
    p = basis(table["coord_ra"], table["coord_dec"])[0].reshape(3, 30, -1)
    apart = np.degrees(1.0) * 3.6e6 * np.linalg.norm(p[:, 1:] - p[:, :1], axis=0)
    relative = apart.std(axis=1) / apart.mean(axis=1)
    assert np.median(relative) == pytest.approx(np.hypot(3e-7, 2e-7), rel=0.08)


@pytest.mark.parametrize("field", FIELDS)
def test_band_offset_is_constant_per_coordinate(field):
    model = QUIET.with_bands(offset_ra_mas={"g": 4.0}, offset_dec_mas={"g": -3.0})
    stars, _, table = survey(model, field, bands=("g", "r"), count=3)
    for band, both in (("g", (4.0, -3.0)), ("r", (0.0, 0.0))):
        part = {k: v[table["band"] == band] for k, v in table.items()}
        for found, wanted in zip(offsets(stars, part), both, strict=True):
            assert np.allclose(found, wanted, atol=1e-3)


def test_tail_makes_some_visits_worse_and_says_which():
    model = QUIET.with_bands(zero_point_visit_mmag=1.0, tail_fraction=0.2, tail_scale=10.0)
    stars, truth, table = survey(model)
    assert truth["inTail"].mean() == pytest.approx(0.2, abs=0.08)
    shift = millimag(stars, table)[0]
    assert shift[truth["inTail"]].std() == pytest.approx(10.0, rel=0.3)
    assert shift[~truth["inTail"]].std() == pytest.approx(1.0, rel=0.15)


def test_flags_faint_limit_and_order():
    cadence = Cadence(visits_per_band=4, bands=("r",))
    stars = star_table(Universe(stars=4000, bright=13.0, faint=27.0), cadence.fields, 5, 0.0)
    model = replace(default_model(), flag_rate=0.01)
    table = observe(stars, with_errors(visits(cadence, 5), model, 5), model, 5)
    assert np.all(np.diff(table["objectId"]) >= 0)
    assert np.all(table["psfFlux"] > model.snr_min * table["psfFluxErr"])
    assert stars["r_mag"][np.unique(table["objectId"]) - 1].max() < 26.0
    mag = stars["r_mag"][table["objectId"] - 1]
    assert table["pixelFlags_saturated"][mag < 14.0].all()
    assert not table["pixelFlags_saturated"][mag > 17.0].any()
    assert table["pixelFlags_cr"].mean() == pytest.approx(0.01, rel=0.4)
    assert np.unique(table["sourceId"]).size == table["sourceId"].size
    assert np.all(table["sourceId"] // 4_000_000 == table["visit"])


def test_no_common_sky_is_an_error():
    cadence = Cadence(visits_per_band=1)
    stars = star_table(Universe(stars=20), ((200.0, 10.0),), 1, 0.0)
    model = default_model()
    with pytest.raises(SimulatorError) as caught:
        observe(stars, with_errors(visits(cadence, 1), model, 1), model, 1)
    assert caught.value.code == "nothing_seen"


def test_one_visit_alone_gives_the_bytes_it_has_in_company():
    model = default_model()
    stars, truth, table = survey(model, count=5)
    alone = observe(stars, {k: v[2:3] for k, v in truth.items()}, model, 11)
    mine = table["visit"] == truth["visit"][2]
    assert all(alone[c].tobytes() == table[c][mine].tobytes() for c in table)


def test_astrometric_terms_do_not_move_photometric_draws():
    _, _, plain = survey(default_model(), count=3)
    _, _, wide = survey(default_model().with_bands(translation_mas=50.0, white_mas=9.0), count=3)
    assert plain["psfFlux"].tobytes() == wide["psfFlux"].tobytes()
    assert plain["coord_ra"].tobytes() != wide["coord_ra"].tobytes()


def test_release_has_the_values_expected_of_its_own_conditions():
    """The whole chain against `expected`, by an estimator written here."""
    model = default_model()
    stars, truth, table = survey(model, bands=("g", "r"))
    people = truth_population(stars, truth, 1.7)
    clean = ~(table["pixelFlags_cr"] | table["pixelFlags_bad"])
    for band in ("g", "r"):
        part = {k: v[table["band"] == band] for k, v in table.items()}
        good = np.where(clean[table["band"] == band].reshape(STARS, -1), 1.0, np.nan)
        scatter = np.nanstd(millimag(stars, part, band) * good, axis=1, ddof=1)
        wanted = expected("PA1", model, people, band)
        assert np.median(scatter) == pytest.approx(wanted, rel=0.05)
        p = basis(part["coord_ra"], part["coord_dec"])[0].reshape(3, STARS, -1)
        away = np.degrees(1.0) * 60.0 * np.linalg.norm(p[:, :, None, 0] - p[:, None, :, 0], axis=0)
        i, j = np.nonzero(np.triu(np.abs(away - 60.0) < 8.0))
        apart = np.degrees(1.0) * 3.6e6 * np.linalg.norm(p[:, i] - p[:, j], axis=0)
        # Pairs a degree apart lie between AM1 (5 arcmin) and AM3 (200 arcmin).
        low, high = (expected(n, model, people, band) for n in ("AM1", "AM3"))
        assert 0.98 * low < np.median(apart.std(axis=1)) < high


def test_release_has_the_expected_offset_between_bands():
    model = default_model().with_bands(translation_mas=0.5)
    stars, truth, table = survey(model, bands=("g", "r"))
    people = truth_population(stars, truth, 1.7)
    found = {b: offsets(stars, {k: v[table["band"] == b] for k, v in table.items()}) for b in "gr"}
    for axis, component in enumerate(("ra", "dec")):
        difference = found["g"][axis] - found["r"][axis]
        wanted = expected("AB1", model, people, "g", component=component)
        assert np.sqrt(np.mean(difference**2)) == pytest.approx(wanted, rel=0.03)
        edge = expected("AB2", model, people, "g", at=10.0, component=component)
        assert np.percentile(np.abs(difference), 90) == pytest.approx(edge, rel=0.03)
