"""Energy radii of profiles whose radii are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.metrics.psf.growth import energy_radius, missing, profile_radius
from skyassay.metrics.psf.recipes import SRD_ENERGY

PROFILE, LEAST = SRD_ENERGY["profile"], SRD_ENERGY["least_missing"]
RADII = 0.2 * np.array(SRD_ENERGY["radii"], dtype=float)


def curve(core):
    return 1.0 - missing(RADII / core, **PROFILE)


@given(st.floats(0.25, 0.8), st.sampled_from([0.80, 0.95, 0.99]))
def test_the_profile_of_the_srd_is_exact_at_any_size(core, energy):
    truth = core * profile_radius(np.array([energy]), PROFILE)[0]
    (found,) = energy_radius(RADII, curve(core)[None], energy, PROFILE, LEAST)
    if curve(core)[0] > energy:
        assert np.isnan(found)  # smaller than the first aperture: not guessed
    else:
        assert found == pytest.approx(truth, rel=2e-4)
        assert 1.0 - missing(np.array([truth / core]), **PROFILE)[0] == pytest.approx(energy)


def test_other_profiles_come_out_to_a_few_per_cent():
    """A Moffat profile (beta 3): fat wings, as a Kolmogorov atmosphere has."""
    for fwhm in (0.8, 0.9, 1.0, 1.2):
        a = fwhm / (2.0 * np.sqrt(2.0 ** (1 / 3) - 1.0))
        held = 1.0 - 1.0 / (1.0 + (RADII / a) ** 2) ** 2
        held = held / held[-1]
        for energy in (0.80, 0.95, 0.99):
            (found,) = energy_radius(RADII, held[None], energy, PROFILE, LEAST)
            whole = energy * (1.0 - 1.0 / (1.0 + (RADII[-1] / a) ** 2) ** 2)
            truth = a * np.sqrt((1.0 - whole) ** -0.5 - 1.0)
            assert found == pytest.approx(truth, rel=0.045)


def test_noise_beyond_the_total_and_falling_curves_are_borne():
    noisy = curve(0.4)
    noisy[5] = 1.003
    noisy[6] = 0.999
    (found,) = energy_radius(RADII, noisy[None], 0.95, PROFILE, LEAST)
    assert found == pytest.approx(0.4 * profile_radius(np.array([0.95]), PROFILE)[0], rel=0.01)
    broken = np.full(9, np.nan)
    assert np.isnan(energy_radius(RADII, broken[None], 0.95, PROFILE, LEAST)[0])


def tables(images, core, visits=6, stars=12, **changed):
    """Return visits whose PSF is the SRD's profile with cores of given sizes, arcsec."""
    made = images(np.zeros((2, visits, stars)))
    flux = np.random.default_rng(1).uniform(0.5e6, 2e6, (visits, stars))
    core = np.broadcast_to(core, visits)
    for k, radius in enumerate(SRD_ENERGY["radii"]):
        held = np.array([curve(c)[k] for c in core])
        made["source"][f"ap{radius:02d}Flux"] = (held[:, None] * flux).ravel()
    made["source"].update(changed)
    return made


def test_radius_is_scaled_to_the_delivered_seeing(images, measured):
    """Moments say 0.69 arcsec; a visit with cores twice as large must have twice the radius."""
    core = 0.3 * np.array([0.98, 0.99, 1.0, 1.0, 1.01, 1.02])
    for metric, energy in (("sr1", 0.80), ("sr2", 0.95), ("sr3", 0.99)):
        truth = 0.3 * profile_radius(np.array([energy]), PROFILE)[0]
        (one,) = measured(f"energy_radius.{metric}", tables(images, core))
        assert one.value == pytest.approx(truth, rel=1e-3)
        assert one.interval.low < truth < one.interval.high
        wide = tables(images, 2 * core)
        for name in ("ixx", "ixy", "iyy"):
            wide["source"][name] = 4.0 * wide["source"][name]
        (same,) = measured(f"energy_radius.{metric}", wide)
        assert same.value == pytest.approx(one.value, rel=1e-3)


def test_one_bad_star_or_flag_moves_nothing(images, measured):
    core = 0.3 * np.array([0.98, 0.99, 1.0, 1.0, 1.01, 1.02])
    good = measured("energy_radius.sr2", tables(images, core))[0]
    spoiled = tables(images, core)
    spoiled["source"]["ap70Flux"][0] *= 50.0
    spoiled["source"]["ap70Flux"][13] = -1.0
    spoiled["source"]["ixx"][25] = np.nan
    found = measured("energy_radius.sr2", spoiled)[0]
    assert found.value == pytest.approx(good.value, rel=1e-3)


def test_what_cannot_be_measured_says_why(images, measured):
    few = measured("energy_radius.sr1", tables(images, 0.3, stars=9))[0]
    assert (few.status, few.reason) == ("NOT_MEASURED", "no_usable_row")
    small = measured("energy_radius.sr1", tables(images, 0.15))[0]
    assert small.reason == "core_unresolved"
    copies = measured("energy_radius.sr1", tables(images, 0.3))[0]
    assert copies.reason == "no_scatter"
    night = measured("energy_radius.sr1", tables(images, 0.3, visits=1))[0]
    assert night.reason == "too_few_clusters"
    faint = tables(images, 0.3)
    faint["source"]["psfFluxErr"][:] = 1e6
    assert measured("energy_radius.sr1", faint)[0].status == "NOT_MEASURED"
    nothing = {n: {c: v[:0] for c, v in t.items()} for n, t in faint.items()}
    assert measured("energy_radius.sr1", nothing) == []
    unknown = tables(images, 0.3)
    unknown["visit_table"]["visit"] = unknown["visit_table"]["visit"] + 100
    assert measured("energy_radius.sr1", unknown)[0].status == "NOT_MEASURED"
