"""Many exposures together: better than each alone, and honest about it."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.astrometry.correction import corrected
from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.multifit import MultiFitConfig, fit_exposures
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.sphere import deproject, offsets
from skyassay.pipeline.instrument.layouts import camera

PLACES = [(53.0, -27.5), (0.0, 0.0), (20.0, 89.999), (0.0, -90.0)]


def campaign(rng, place=(53.0, -27.5), visits=6, stars=30, ref=0.003, px=0.05, bad=0.03):
    """Return rows, the given WCS (wrong by `bad` arcsec) and the true ones, of detector 0."""
    cam = camera("tiny")
    true, given, rows = {}, {}, []
    xi, eta = rng.uniform(-40, 40, (2, stars)) / 3600
    ra, dec = deproject(xi, eta, *place)
    known = rng.random(stars) < 0.7
    wrong = rng.normal(0, ref, (2, stars)) / 3600
    ref_ra, ref_dec = deproject(xi + wrong[0], eta + wrong[1], *place)
    for v in range(visits):
        dither = deproject(*(rng.uniform(-4, 4, 2) / 3600), *place)
        wcs = initial_wcs(cam, 1, float(dither[0]), float(dither[1]), float(rng.uniform(0, 360)))
        true[v, 1] = wcs
        given[v, 1] = corrected(wcs, bad * rng.normal(0, 1, (2, 3)), 1)
        x, y = wcs.sky_to_pixel(ra, dec)
        err = np.full((2, stars), px)
        noisy = np.stack([x, y]) + rng.normal(0, px, (2, stars))
        reference = np.stack([ref_ra, ref_dec, np.full(stars, ref), np.full(stars, ref)])
        reference[:, ~known] = np.nan
        number = np.stack([np.arange(stars), np.full(stars, v), np.ones(stars)])
        rows.append(np.concatenate([number, noisy, err, reference]))
    names = (
        "star",
        "visit",
        "detector",
        "x",
        "y",
        "xErr",
        "yErr",
        "refRa",
        "refDec",
        "refEastErr",
        "refNorthErr",
    )
    table = dict(zip(names, np.concatenate(rows, axis=1), strict=True))
    return table | {k: table[k].astype(int) for k in names[:3]}, given, true


def errors_at_the_centre(fit, true):
    mine = [fit.wcs[k].pixel_to_sky(255.5, 255.5) for k in true]
    want = [true[k].pixel_to_sky(255.5, 255.5) for k in true]
    return np.array([offsets(*a, *b) for a, b in zip(mine, want, strict=True)])


@pytest.mark.parametrize("place", PLACES)
def test_exposures_are_recovered_everywhere(place):
    rows, given, true = campaign(np.random.default_rng(0), place)
    before = np.std(
        [
            offsets(*given[k].pixel_to_sky(9.0, 400.0), *true[k].pixel_to_sky(9.0, 400.0))
            for k in true
        ]
    )
    fit = fit_exposures(rows, given)
    after = np.std(
        [
            offsets(*fit.wcs[k].pixel_to_sky(9.0, 400.0), *true[k].pixel_to_sky(9.0, 400.0))
            for k in true
        ]
    )
    assert after < 0.2 * before
    assert set(fit.exposures["status"]) == {"calibrated"}
    assert fit.exposures["nStar"].tolist() == [30] * 6


def test_the_errors_are_honest():
    pulls, chi2 = [], []
    for seed in range(40):
        rows, given, true = campaign(np.random.default_rng(seed))
        fit = fit_exposures(rows, given)
        # Along the axes of the exposure, of which north is up to the meridians' angle.
        table = fit.exposures
        err = np.stack([table["eastShiftErr"], table["northShiftErr"]], axis=1)
        pulls.append(errors_at_the_centre(fit, true) / err)
        chi2.append(fit.chi2_dof)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)
    assert np.mean(chi2) == pytest.approx(1.0, abs=0.05)


def test_relative_places_get_better_than_the_reference():
    # A poor catalogue: the visits agree among themselves far better than with it.
    rows, given, _ = campaign(np.random.default_rng(1), ref=0.05, visits=10)
    fit = fit_exposures(rows, given)
    spread = np.std(np.stack([fit.east, fit.north]))
    assert 0.008 < spread < 0.011
    assert np.all(fit.stars["nObs"] == 10)


def test_without_reference_stars_the_start_holds_and_it_is_told():
    rows, given, true = campaign(np.random.default_rng(2), bad=0.03)
    rows = {k: c for k, c in rows.items() if not k.startswith("ref")}
    fit = fit_exposures(rows, given)
    assert set(fit.exposures["status"]) == {"no_reference"}
    off = errors_at_the_centre(fit, true)
    # The common error of the visits stays, their differences are gone.
    assert np.std(off - off.mean(axis=0)) < 0.004
    assert np.all(fit.exposures["eastShiftErr"] > 0.03)


def test_motion_of_reference_stars_is_taken_out():
    rows, given, true = campaign(np.random.default_rng(3), px=0.01)
    moving = rows["star"] == int(rows["star"][np.isfinite(rows["refRa"])][0])
    for v in range(6):
        mine = moving & (rows["visit"] == v)
        step = 0.2 * v / 3600
        ra, dec = true[v, 1].pixel_to_sky(rows["x"][mine], rows["y"][mine])
        moved = true[v, 1].sky_to_pixel(ra, dec + step)
        rows["x"][mine], rows["y"][mine] = moved
        rows["refDec"][mine] += step
    fit = fit_exposures(rows, given)
    assert fit.used[moving].all()
    assert np.abs(fit.north[moving]).max() < 0.015


def test_outliers_are_clipped():
    rows, given, _ = campaign(np.random.default_rng(4))
    rows["x"][[7, 50]] += 2.0
    fit = fit_exposures(rows, given)
    assert set(np.flatnonzero(~fit.used)) >= {7, 50}
    assert (~fit.used).sum() <= 3
    assert np.isnan(fit.east[7])


def test_the_order_of_rows_does_not_matter():
    rows, given, _ = campaign(np.random.default_rng(5))
    order = np.random.default_rng(6).permutation(len(rows["star"]))
    a = fit_exposures(rows, given)
    b = fit_exposures({k: c[order] for k, c in rows.items()}, dict(reversed(given.items())))
    np.testing.assert_allclose(a.exposures["eastShift"], b.exposures["eastShift"], atol=1e-9)
    np.testing.assert_allclose(a.stars["ra"], b.stars["ra"], atol=1e-12)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_rows_leave_the_start(n):
    rows, given, _ = campaign(np.random.default_rng(7))
    rows = {k: c[:n] for k, c in rows.items()}
    rows["refRa"] = np.full(n, np.nan)
    fit = fit_exposures(rows, given, MultiFitConfig(order=2))
    for key, wcs in given.items():
        got = fit.wcs[key].pixel_to_sky(10.0, 20.0)
        np.testing.assert_allclose(got, wcs.pixel_to_sky(10.0, 20.0), atol=1e-9)
    assert (fit.exposures["status"] == "start_only").sum() == 6 - (n > 0)


def test_bad_input_is_refused():
    rows, given, _ = campaign(np.random.default_rng(8))
    for bad, wcs in (({}, given), (rows, {(0, 1): given[0, 1]})):
        with pytest.raises(AstrometryError) as found:
            fit_exposures(bad, wcs)
        assert found.value.code == "bad_multifit_input"
    rows["x"][3] = np.nan
    assert not fit_exposures(rows, given).used[3]
