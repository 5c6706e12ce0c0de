"""Sky to pixels: against astropy's TAN, inversion, poles and RA 0, refraction, colour."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from skyassay.pipeline.instrument.layouts import camera
from skyassay.simulator.geometry import separation_mas
from skyassay.simulator.optics.distortion import FieldMap, true_place
from skyassay.simulator.optics.pointing import Pointing, true_pointing
from skyassay.simulator.optics.terms import FIELD_RADIUS, OpticsTerms

PERFECT = OpticsTerms(
    distortion=0.0, offset_pixels=0.0, tilt_arcsec=0.0, turbulence_mas=0.0, dcr=0.0
)
ZENITH = Pointing(1, "r", 60.0, -30.0, 0.0, 0.0, -30.0)


def points(count=40):
    draw = np.random.default_rng(3)
    return draw.uniform(-1.2, 1.2, count), draw.uniform(-1.2, 1.2, count)


@pytest.mark.parametrize("rotation", [0.0, 33.0])
def test_without_air_and_errors_it_is_a_tangent_plane(rotation, monkeypatch):
    monkeypatch.setattr(
        "skyassay.simulator.optics.distortion.refraction_constant",
        lambda band, colour, dcr=1.0: np.zeros(np.shape(colour)),
    )
    field = FieldMap(replace(ZENITH, rotation=rotation), PERFECT, 1)
    x, y = points()
    ra, dec = field.focal_to_sky(x, y)
    turn = np.radians(rotation)
    header = WCS(naxis=2)
    header.wcs.ctype, header.wcs.crval = ["RA---TAN", "DEC--TAN"], [60.0, -30.0]
    header.wcs.crpix, header.wcs.cd = (
        [1.0, 1.0],
        [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]],
    )
    # East is to the left in a picture of the sky, so a camera's +x is -x of astropy's default;
    # with this matrix +x is east.
    want = header.all_pix2world(np.stack([x, y], axis=1), 0)
    assert separation_mas(ra, dec, want[:, 0], want[:, 1]).max() < 1e-3


@settings(max_examples=15, deadline=None)
@given(
    ra=st.sampled_from([0.0, 1e-4, 359.9999, 120.0]),
    dec=st.sampled_from([-89.999, -90.0, -45.0, 0.0, 12.0]),
    angle=st.floats(-30.0, 30.0),
)
def test_it_is_inverted_everywhere(ra, dec, angle):
    # From the pole's own latitude even a pole is above the horizon.
    where = Pointing(5, "g", ra, dec, 12.0, angle, max(dec, -89.0) * 0.8)
    field = FieldMap(where, OpticsTerms(), 2)
    x, y = points(12)
    there = field.focal_to_sky(x, y)
    u, v = field.sky_to_focal(*there)
    # 1e-9 degrees are 4 nano-arcsec.
    assert np.hypot(u - x, v - y).max() < 1e-9


def test_the_boresight_falls_on_the_optical_axis():
    for dec, angle in ((-30.0, 25.0), (10.0, -20.0)):
        where = replace(ZENITH, dec=dec, hour_angle=angle)
        u, v = FieldMap(where, PERFECT, 1).sky_to_focal(np.array([60.0]), np.array([dec]))
        assert np.hypot(u, v).max() < 1e-10


def test_what_is_behind_the_telescope_is_nowhere():
    u, v = FieldMap(ZENITH, PERFECT, 1).sky_to_focal(np.array([240.0]), np.array([30.0]))
    assert np.isnan(u).all() and np.isnan(v).all()


def test_refraction_shortens_the_sky_towards_the_zenith():
    # dec 20 at latitude -30 on the meridian: zenith distance 50 degrees, zenith in the south.
    where = replace(ZENITH, dec=20.0)
    field = FieldMap(where, PERFECT, 1)
    from skyassay.simulator.optics.refraction import refraction_constant

    k = float(refraction_constant("r", np.ones(1))[0])
    assert np.degrees(k) * 3600.0 == pytest.approx(42.0, abs=2.5)  # 60 arcsec x 545/760 mm Hg
    _, v = field.sky_to_focal(np.array([60.0, 60.0]), np.array([19.95, 20.05]))
    assert 1.0 - (v[1] - v[0]) / 0.1 == pytest.approx(k / np.cos(np.radians(50.0)) ** 2, rel=0.01)


def test_blue_stars_stand_closer_to_the_zenith():
    where = replace(ZENITH, dec=20.0)
    field = FieldMap(where, replace(PERFECT, dcr=1.0), 1)
    ra, dec = np.full(3, 60.0), np.full(3, 20.0)
    _, v = field.sky_to_focal(ra, dec, np.array([0.0, 1.0, 3.0]))
    assert v[1] == pytest.approx(0.0, abs=1e-10)
    mas = 3.6e6 * v
    assert -40.0 < mas[0] < -5.0 < 0.0 < 10.0 < mas[2] < 80.0
    # Twice the dependence gives twice the shift.
    double = FieldMap(where, replace(PERFECT, dcr=2.0), 1).sky_to_focal(
        ra, dec, np.array([0.0, 1.0, 3.0])
    )[1]
    assert double[2] == pytest.approx(2.0 * v[2], rel=0.05)


def test_distortion_at_the_edge_is_what_its_term_says():
    plain = FieldMap(ZENITH, PERFECT, 1)
    bent = FieldMap(ZENITH, replace(PERFECT, distortion=3e-4), 1)
    ra, dec = plain.focal_to_sky(np.array([FIELD_RADIUS]), np.zeros(1))
    x, _ = bent.sky_to_focal(ra, dec)
    assert x[0] / FIELD_RADIUS - 1.0 == pytest.approx(3e-4, rel=1e-6)


def test_turbulence_has_its_size_and_is_smooth():
    terms = replace(PERFECT, turbulence_mas=3.0, turbulence_deg=0.25)
    x, y = np.meshgrid(np.linspace(-1.5, 1.5, 40), np.linspace(-1.5, 1.5, 40))
    x, y = x.ravel(), y.ravel()
    shifts, steps = [], []
    for visit in range(8):
        where = replace(ZENITH, visit=visit)
        ra, dec = FieldMap(where, PERFECT, 1).focal_to_sky(x, y)
        u, _ = FieldMap(where, terms, 1).sky_to_focal(ra, dec)
        near = FieldMap(where, PERFECT, 1).focal_to_sky(x + 0.01, y)
        w, _ = FieldMap(where, terms, 1).sky_to_focal(*near)
        shifts.append(3.6e6 * (u - x))
        steps.append(3.6e6 * (w - u - 0.01))
    assert np.std(shifts) == pytest.approx(3.0, rel=0.15)
    # Over 0.01 degrees: sqrt(2 (1 - exp(-d^2 / 2 L^2))) = 0.04 of it.
    assert np.std(steps) == pytest.approx(0.12, rel=0.2)


def test_detectors_are_displaced_once_for_all():
    nominal = camera("small")[4]
    place = true_place(nominal, 0.2, OpticsTerms(), 9)
    assert place == true_place(nominal, 0.2, OpticsTerms(), 9)
    assert place != true_place(nominal, 0.2, OpticsTerms(), 10)
    x, y = np.array([0.0, 1023.0, 200.0]), np.array([0.0, 3.0, 900.5])
    u, v = place.focal_to_pixel(*place.pixel_to_focal(x, y))
    assert np.abs(u - x).max() < 1e-8 and np.abs(v - y).max() < 1e-8
    exact = true_place(nominal, 0.2, PERFECT, 9)
    u, v = exact.focal_to_pixel(np.array([nominal.x]), np.array([nominal.y]))
    assert u[0] == pytest.approx(511.5, abs=1e-9) and v[0] == pytest.approx(511.5, abs=1e-9)
    edge = exact.focal_to_pixel(np.array([nominal.x + 0.2 / 3600.0]), np.array([nominal.y]))
    assert edge[0][0] == pytest.approx(512.5, abs=1e-8)


def test_pointing_errors_are_the_visits_own():
    terms = OpticsTerms(pointing_arcsec=2.0)
    offsets = [
        separation_mas(np.array([t.ra]), np.array([t.dec]), np.array([60.0]), np.array([-30.0]))[0]
        for t in (true_pointing(replace(ZENITH, visit=v), terms, 1) for v in range(200))
    ]
    # Rayleigh: mean sigma sqrt(pi / 2).
    assert np.mean(offsets) / 1e3 == pytest.approx(2.0 * np.sqrt(np.pi / 2.0), rel=0.15)
    assert true_pointing(ZENITH, replace(terms, pointing_arcsec=0.0), 1).ra == pytest.approx(60.0)


def test_horizon():
    altitude, _ = ZENITH.horizon
    assert altitude == pytest.approx(90.0, abs=1e-5)
    west = replace(ZENITH, dec=0.0, hour_angle=60.0, latitude=0.0)
    assert west.horizon == pytest.approx((30.0, 270.0))
    assert west.airmass_at(60.0) == pytest.approx(2.0)
