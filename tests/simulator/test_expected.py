"""Expected values of a varied population against brute force."""

import numpy as np
import pytest

from skyassay.simulator.error_model import BANDS, default_model
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.expected import expected
from skyassay.simulator.population import Conditions, Population, Selection, uniform_population
from skyassay.simulator.quantities import QUANTITIES, quantity

PLAIN = default_model().with_bands(scale=5e-7, shear=4e-7, zero_point_visit_mmag=2.0)
TAILED = PLAIN.with_bands(tail_fraction=0.15, tail_scale=4.0)
RADIUS = 1.5
VISITS = 4000


def population(stars=60, seed=2):
    draw = np.random.default_rng(seed)
    r = np.sort(draw.uniform(17.0, 21.0, stars))
    mags = {b: r + shift for b, shift in zip(BANDS, (1.2, 0.4, 0.0, -0.2, -0.3, -0.4), strict=True)}
    nodes = {
        b: Conditions(24.3 + 0.3 * draw.standard_normal(16), 0.7 + 0.3 * draw.random(16))
        for b in BANDS
    }
    return Population(mags, np.ones(stars), nodes, RADIUS)


def shared(errors, draw, name, count):
    tail = np.where(draw.random(count) < errors.tail_fraction, errors.tail_scale, 1.0)
    return tail, tail * getattr(errors, name) * draw.standard_normal(count)


def magnitudes(model, people, band, draw):
    """Deviations (star, visit), mmag; every star of the population."""
    e, c = model[band], people.conditions[band]
    # All stars share one term, so its own scatter needs many visits.
    many = 10 * VISITS
    k = draw.integers(c.m5.size, size=many)
    mag = people.magnitudes[band][:, None]
    shape = (mag.size, many)
    _, zero = shared(e, draw, "zero_point_visit_mmag", many)
    return (
        1e3 * e.photon_mag(mag, c.m5[k]) * draw.standard_normal(shape)
        + e.floor_mmag * draw.standard_normal(shape)
        + e.zero_point_detector_mmag * draw.standard_normal(shape)
        + zero
    )


def visit_positions(model, people, band, draw, x, y, which):
    """Displacement in x (star, visit), mas, of stars `which` at x, y radians."""
    e, c = model[band], people.conditions[band]
    k = draw.integers(c.m5.size, size=VISITS)
    mag = people.magnitudes[band][which][:, None]
    sigma = np.sqrt(e.photon_mas(mag, c.m5[k], c.seeing[k]) ** 2 + e.white_mas**2)
    tail, shift = shared(e, draw, "translation_mas", VISITS)
    scale, one, two = (tail * s * draw.standard_normal(VISITS) for s in (e.scale, e.shear, e.shear))
    mas = np.degrees(1.0) * 3.6e6
    bent = mas * ((scale + one) * x[:, None] + two * y[:, None])
    return sigma * draw.standard_normal(sigma.shape) + shift + bent


def brute(q, model, people, band, draw):
    """Statistic of simulated deviations."""
    if q.kind == "photometry":
        d = magnitudes(model, people, band, draw)
    elif q.kind == "offset":
        which = draw.integers(people.weights.size, size=300)
        rho = np.radians(RADIUS) * np.sqrt(draw.random(300))
        phi = 2 * np.pi * draw.random(300)
        x, y = rho * np.cos(phi), rho * np.sin(phi)
        first, second = (
            visit_positions(model, people, b, draw, x, y, which) + (model[b].offset_ra_mas)
            for b in (band, "r")
        )
        d = first - second
    else:
        # Pairs along x; a star far from the origin feels a shift, their difference only D.
        i, j = draw.integers(people.weights.size, size=(2, 300))
        zero, apart = np.zeros(300), np.full(300, np.radians(q.distance / 60))
        bands = (band, "r") if q.kind == "separation_offset" else (band,)
        both = [
            visit_positions(model, people, b, draw, np.r_[zero, apart], np.zeros(600), np.r_[i, j])
            for b in bands
        ]
        sep = [p[300:] - p[:300] for p in both]
        d = sep[0] - sep[1] if len(sep) == 2 else sep[0]
    if q.statistic == "width":
        if q.kind in ("offset", "separation_offset"):
            return np.sqrt(np.mean(d**2))
        return np.median(d.std(axis=1))
    at = q.at[band]
    if q.statistic == "fraction":
        return 100 * np.mean(np.abs(d) > at * SHRINK)
    return np.percentile(np.abs(d), 100 - at)


#: Tail fractions are tested where they are not tiny.
SHRINK = 0.45


@pytest.mark.parametrize("model", [PLAIN, TAILED], ids=["plain", "tailed"])
@pytest.mark.parametrize("name", [q.name for q in QUANTITIES])
def test_against_brute_force(name, model):
    q, people = quantity(name), population()
    at = q.at["i"] * SHRINK if q.statistic == "fraction" else None
    wanted = expected(name, model, people, "i", at=at)
    found = brute(q, model, people, "i", np.random.default_rng(8))
    rel = 0.06 if q.statistic == "fraction" else 0.03
    assert found == pytest.approx(wanted, rel=rel)


def test_closed_forms():
    model = PLAIN.with_bands(photon=0.0)
    e, people = model["r"], uniform_population()
    total = np.sqrt(e.floor_mmag**2 + e.zero_point_visit_mmag**2 + e.zero_point_detector_mmag**2)
    assert expected("PA1", model, people, "r") == pytest.approx(total)
    assert expected("PA2", model, people, "r", at=10.0) == pytest.approx(1.644854 * total, rel=1e-6)
    assert expected("PF1", model, people, "r", at=1.959964 * total) == pytest.approx(5.0, rel=1e-5)
    am3 = np.sqrt(2 * e.white_mas**2 + (200 * 6e4 * e.distortion) ** 2)
    assert expected("AM3", model, people, "r") == pytest.approx(am3)
    i = model["i"]
    white = e.white_mas**2 + i.white_mas**2 + e.translation_mas**2 + i.translation_mas**2
    assert expected("AB1", model, people, "i", component="dec") == pytest.approx(
        np.sqrt(white + (i.offset_dec_mas - e.offset_dec_mas) ** 2)
    )
    bend = (5 * 6e4) ** 2 * (e.distortion**2 + i.distortion**2)
    assert expected("AB1_separations", model, people, "i") == pytest.approx(
        np.sqrt(2 * (e.white_mas**2 + i.white_mas**2) + bend)
    )


def test_a_constant_offset_is_seen_in_positions_only():
    moved = PLAIN.with_bands(offset_ra_mas={"z": 30.0})
    people = population()
    assert expected("AB1", moved, people, "z") > 30.0
    still = [expected("AB1_separations", m, people, "z") for m in (PLAIN, moved)]
    assert still[0] == still[1]


def test_percentile_and_fraction_are_inverse():
    people = population()
    for pair in (("PF1", "PA2"), ("AF3", "AD3"), ("ABF1", "AB2")):
        edge = expected(pair[1], TAILED, people, "i", at=7.0)
        assert expected(pair[0], TAILED, people, "i", at=edge) == pytest.approx(7.0, rel=1e-5)


def test_selection_takes_bright_stars():
    people = population()
    all_stars = expected("PA1", PLAIN, people, "r")
    bright = expected("PA1", PLAIN, people, "r", selection=Selection(faint=18.0))
    assert bright < all_stars
    by_snr = expected("PA1", PLAIN, people, "r", selection=Selection(snr_min=400))
    assert by_snr < all_stars


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("PA9", "r", {}), "unknown_quantity"),
        (("PA1", "q", {}), "unknown_band"),
        (("AB1", "r", {}), "no_reference"),
        (("PA1", "r", {"selection": Selection(faint=3.0)}), "empty_selection"),
    ],
)
def test_errors_have_codes(call, code):
    name, band, more = call
    with pytest.raises(SimulatorError) as caught:
        expected(name, PLAIN, population(), band, **more)
    assert caught.value.code == code
    assert caught.value.hint or code == "no_reference"


def test_bad_error_terms_are_refused():
    for bad in ({"white_mas": -1.0}, {"floor_mmag": float("nan")}, {"tail_fraction": 1.5}):
        with pytest.raises(SimulatorError) as caught:
            PLAIN.with_bands(**bad)
        assert caught.value.code == "bad_error_term"
