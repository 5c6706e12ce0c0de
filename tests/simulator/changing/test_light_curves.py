"""Light curves: their analytic properties, and what they do over bands and redshifts."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from skyassay.simulator.changing.fast import FastTransients, fast_flux, outburst
from skyassay.simulator.changing.nuclei import ActiveNuclei, core_light, nucleus_flux, walk
from skyassay.simulator.changing.spectra import flux_of, mag_of, relative_flux
from skyassay.simulator.changing.supernovae import Supernovae, rise_and_fall, supernova_flux
from skyassay.simulator.changing.variable_stars import (
    VariableStars,
    eclipses,
    saw_tooth,
    variations,
)

BANDS = "ugrizy"


def supernova(z=0.3, peak=1000.0):
    one = np.ones(1)
    return {
        "redshift": z * one, "magnitude": 22.0 * one, "peak": peak * one,
        "rise": 3.5 * one, "fall": 22.0 * one,
    }  # fmt: skip


def test_rise_and_fall_peaks_at_zero_and_has_its_times():
    t = np.linspace(-60.0, 200.0, 260_001)
    shape = rise_and_fall(t, np.array(3.5), np.array(22.0))
    assert t[shape.argmax()] == pytest.approx(0.0, abs=2e-3) and shape.max() == pytest.approx(1.0)
    # Long before and after, the logarithm's slope is that of the two times.
    early = np.log(shape[1000] / shape[0]) / (t[1000] - t[0])
    late = np.log(shape[-1] / shape[-1001]) / (t[-1] - t[-1001])
    assert early == pytest.approx(1 / 3.5 - 1 / 22.0, rel=1e-4)
    assert late == pytest.approx(-1 / 22.0, rel=1e-4)
    assert np.isfinite(rise_and_fall(np.array([-1e5, 1e5]), np.array(3.5), np.array(22.0))).all()


def test_supernovae_at_greater_redshift_are_slower_and_redder():
    terms = Supernovae()
    # Without cooling the course is the same in all bands.
    even = replace(terms, cool=terms.hot)
    widths, colours = [], []
    for z in (0.1, 0.8):
        mjd = np.arange(900.0, 1300.0, 0.5)
        flux = np.array([supernova_flux(even, supernova(z), t, "i")[0] for t in mjd])
        widths.append(np.count_nonzero(flux > 0.5 * flux.max()))
        g, i = (supernova_flux(terms, supernova(z), 1000.0, b)[0] for b in "gi")
        colours.append(mag_of(g) - mag_of(i))
    assert widths[1] / widths[0] == pytest.approx(1.8 / 1.1, rel=0.03)
    assert colours[1] > colours[0] + 0.5


def test_supernovae_redden_after_the_peak_in_all_bands():
    terms, table = Supernovae(), supernova()
    for blue, red in pairwise(BANDS):
        colour = [
            mag_of(supernova_flux(terms, table, t, blue)) - mag_of(
                supernova_flux(terms, table, t, red))
            for t in (1000.0, 1040.0)
        ]  # fmt: skip
        assert colour[1] > colour[0]


def test_planck_colours_are_those_of_the_two_limits():
    # Long waves: flux per frequency goes as the wavelength to the power -2.
    hot = np.array([1e7])
    ratio = relative_flux("y", hot, np.zeros(1)) / relative_flux("u", hot, np.zeros(1))
    assert ratio[0] == pytest.approx((367.1 / 971.2) ** 2, rel=1e-2)
    assert mag_of(flux_of(np.array([23.0])))[0] == pytest.approx(23.0)
    assert flux_of(np.array(31.4)) == pytest.approx(1.0)


def test_outbursts_begin_at_once_peak_at_one_and_decline():
    t = np.linspace(-1.0, 10.0, 110_001)
    shape = outburst(t, np.array(1.0))
    assert (shape[t <= 0] == 0.0).all() and shape.max() == pytest.approx(1.0, abs=1e-6)
    assert t[shape.argmax()] < 0.3
    assert shape[-1] / shape[-1001] == pytest.approx(np.exp(-(t[-1] - t[-1001])), rel=1e-4)


def test_fast_transients_are_blue_and_gone_before_they_begin():
    terms = FastTransients()
    table = {"magnitude": np.array([20.0]), "begin": np.array([50.0]), "decline": np.array([1.0])}
    assert fast_flux(terms, table, 49.9, "r")[0] == 0.0
    bright = {b: fast_flux(terms, table, 50.3, b)[0] for b in BANDS}
    assert bright["g"] > bright["r"] > bright["i"] > 0.0


def test_saw_tooth_has_no_mean_and_rises_faster_than_it_declines():
    phase = np.linspace(0.0, 1.0, 100_000, endpoint=False)
    mag = saw_tooth(phase)
    assert abs(mag.mean()) < 1e-9 and np.ptp(mag) == pytest.approx(2.0, abs=1e-3)
    brighter = (phase[mag.argmin()] - phase[mag.argmax()]) % 1.0
    assert brighter < 0.3


def test_eclipses_are_where_they_are_and_only_dim():
    phase = np.linspace(0.0, 1.0, 10_001)
    lost = eclipses(phase, np.array(0.6), np.array(0.03))
    assert lost[0] == pytest.approx(0.6) and lost[5000] == pytest.approx(0.2, rel=1e-3)
    assert (lost >= 0.0).all() and lost[2500] < 1e-9


def test_share_and_periods_of_variable_stars():
    terms = VariableStars()
    ids = np.arange(1, 200_001)
    now = variations(terms, ids, 61000.0, "r", 1)
    share = np.count_nonzero(now) / ids.size
    assert share == pytest.approx(terms.share, abs=5 * np.sqrt(terms.share / ids.size))
    # Sines alone: semi-amplitudes as drawn give the scatter of the differences.
    waves = replace(terms, share=1.0, pulsating=0.0, eclipsing=0.0, largest=9.0)
    dm = variations(waves, ids, 61000.0, "r", 1)
    expected = 0.15 * np.exp(0.6**2) / np.sqrt(2.0)
    assert dm.std() == pytest.approx(expected, rel=0.02) and abs(dm.mean()) < 0.003
    blue = variations(waves, ids, 61000.0, "g", 1)
    assert blue == pytest.approx(1.3 * dm)


def test_a_star_varies_alike_whoever_else_is_there():
    terms = replace(VariableStars(), share=1.0)
    ids = np.array([5, 900, 1_000_003])
    whole = variations(terms, ids, 61003.2, "i", 4)
    for k, one in enumerate(ids):
        assert variations(terms, np.array([one]), 61003.2, "i", 4)[0] == whole[k]
    assert (variations(terms, ids, 61003.2, "i", 5) != whole).all()


@pytest.fixture(scope="module")
def walks():
    draw = np.random.default_rng(3)
    count, tau = 4000, 100.0
    frequency = np.tan(np.pi * (draw.random((count, 48)) - 0.5)) / tau
    return frequency, 2.0 * np.pi * draw.random((count, 48))


@pytest.mark.parametrize("gap", [1.0, 20.0, 100.0, 400.0])
def test_nuclei_have_the_structure_function_of_a_damped_random_walk(walks, gap):
    first, second = walk(*walks, 61000.0), walk(*walks, 61000.0 + gap)
    assert first.std() == pytest.approx(1.0, abs=0.04) and abs(first.mean()) < 0.05
    found = np.mean(np.square(second - first))
    assert found == pytest.approx(2.0 * -np.expm1(-gap / 100.0), rel=0.12)


def test_nuclei_are_on_their_mean_on_average_and_never_take_more_than_there_is(walks):
    frequency, phase = walks
    count = len(frequency)
    table = {
        "light": np.full(count, 0.5), "amplitude": np.full(count, 0.25),
        "frequency": frequency, "phase": phase,
        "r_mag": np.full(count, 21.0), "u_mag": np.full(count, 21.0),
    }  # fmt: skip
    flux = nucleus_flux(ActiveNuclei(), table, 61000.0, "r")
    mean = 0.5 * flux_of(21.0)
    assert abs(np.median(flux)) < 0.03 * mean and flux.min() > -mean
    wide = nucleus_flux(ActiveNuclei(), table, 61000.0, "u")
    assert wide.std() > 1.2 * flux.std()


def test_core_of_a_galaxy_is_all_of_a_point_and_little_of_a_large_one():
    zero = np.zeros(3)
    galaxy = {
        "effectiveRadius": np.array([1e-4, 0.4, 3.0]), "bulgeFraction": zero,
        "ellipticity1": zero, "ellipticity2": zero,
    }  # fmt: skip
    share = core_light(galaxy)
    assert share[0] == pytest.approx(1.0, abs=1e-4) and 0.2 < share[1] < 0.6 and share[2] < 0.03
