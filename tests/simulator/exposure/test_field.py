"""Stars and galaxies where detectors look: counts, seams, ids, poles and RA 0."""

from dataclasses import replace

import numpy as np
import pytest

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.products.catalog import product
from skyassay.pipeline.products.io import to_arrow
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.field import PixelSky, field_truth
from skyassay.simulator.exposure.mixtures import DE_VAUCOULEURS, EXPONENTIAL
from skyassay.simulator.exposure.motion import apparent
from skyassay.simulator.exposure.reference import reference_catalogue
from skyassay.simulator.frame import EPOCH
from skyassay.simulator.geometry import separation_mas

SKY = PixelSky()
FIELD = ((60.0, -30.0),)


def drawn(name="small", field=FIELD, rotation=0.0, seed=1, sky=SKY):
    return field_truth(sky, camera(name), field, rotation, 61041.0, seed)


@pytest.fixture(scope="module")
def small():
    return drawn()


def area(name="small"):
    """Square degrees of the footprints with their margins."""
    cam = camera(name)
    return sum(
        (d.nx * 0.2 + 2 * SKY.margin) * (d.ny * 0.2 + 2 * SKY.margin) for d in cam.detectors
    ) / (3600.0**2)


def test_densities_are_those_asked_for():
    counts = [drawn(seed=s) for s in range(6)]
    bright = np.mean([np.sum(star["r_mag"] < 21.0) for star, _ in counts])
    galaxies = np.mean([len(g["objectId"]) for _, g in counts])
    # 5 and 1 % of Poisson noise; 1 % of bright stars go for their neighbours.
    assert bright / area() == pytest.approx(10_000.0, rel=0.12)
    assert galaxies / area() / 3600.0 == pytest.approx(25.0, rel=0.05)


def test_counts_go_on_beyond_the_bright_limit(small):
    star, _ = small
    assert len(star["r_mag"]) / area() == pytest.approx(SKY.star_density(), rel=0.12)
    assert star["r_mag"].max() > 24.5


def test_ids_are_unique_over_stars_and_galaxies(small):
    ids = np.concatenate([t["objectId"] for t in small])
    assert np.unique(ids).size == ids.size and ids.min() > 0


def test_another_detector_moves_nothing():
    whole = camera("small")
    few = replace(whole, detectors=whole.detectors[:4])
    more = field_truth(SKY, whole, FIELD, 0.0, 61041.0, 1)
    less = field_truth(SKY, few, FIELD, 0.0, 61041.0, 1)
    for a, b in zip(more, less, strict=True):
        common = np.isin(a["objectId"], b["objectId"])
        assert common.sum() == b["objectId"].size
        for name in b:
            assert np.array_equal(a[name][common], b[name]), name


@pytest.mark.parametrize("field", [((0.0, 0.0),), ((359.999, 89.9999),), ((10.0, -90.0),)])
def test_the_sky_has_no_special_places(field):
    star, galaxy = drawn("tiny", field)
    there, _ = drawn("tiny")
    # The same tiles, elsewhere: as many objects, as far from each other.
    assert star["objectId"].tolist() == there["objectId"].tolist()
    assert np.isfinite(star["coord_ra"]).all() and (star["coord_ra"] >= 0).all()
    assert (star["coord_ra"] < 360.0).all() and galaxy["coord_ra"].size
    one = separation_mas(*(star[c][:1] for c in ("coord_ra", "coord_dec")),
                         star["coord_ra"], star["coord_dec"])  # fmt: skip
    two = separation_mas(*(there[c][:1] for c in ("coord_ra", "coord_dec")),
                         there["coord_ra"], there["coord_dec"])  # fmt: skip
    assert np.abs(one - two).max() < 1e-2


def test_rotation_turns_the_footprints():
    star, _ = drawn("tiny", rotation=90.0)
    # Three detectors along x stand along north now.
    assert np.ptp(star["coord_dec"]) > 2.0 * np.ptp(star["coord_ra"]) * np.cos(np.radians(30.0))


def test_bright_stars_keep_apart_in_their_tile():
    star, _ = drawn(sky=replace(SKY, stars=60_000.0, separation=5.0))
    bright = {n: c[star["r_mag"] < 20.9] for n, c in star.items()}
    tile = bright["objectId"] // 4096
    close = 0
    for t in np.unique(tile):
        ra, dec = (bright[c][tile == t] for c in ("coord_ra", "coord_dec"))
        for k in range(len(ra)):
            d = separation_mas(ra[k : k + 1], dec[k : k + 1], ra[k + 1 :], dec[k + 1 :])
            close += int(np.sum(d < 4999.0))
    assert close == 0


def test_truth_is_of_its_products(small):
    for name, table in zip(("truth_star", "truth_galaxy"), small, strict=True):
        assert to_arrow(product(name), table).num_rows == table["objectId"].size


def test_galaxies_have_bounded_shapes(small):
    _, galaxy = small
    assert np.hypot(galaxy["ellipticity1"], galaxy["ellipticity2"]).max() <= 0.7 + 1e-12
    assert galaxy["bulgeFraction"].min() >= 0.0 and galaxy["bulgeFraction"].max() <= 1.0
    assert galaxy["effectiveRadius"].min() >= 0.05 and (galaxy["redshift"] > 0.0).all()


def test_what_ids_or_tiles_cannot_hold_is_refused():
    with pytest.raises(SimulatorError) as found:
        drawn("tiny", FIELD * 60)
    assert found.value.code == "too_many_fields"
    whole = camera("tiny")
    far = replace(whole, detectors=(replace(whole.detectors[0], x=2.5),))
    with pytest.raises(SimulatorError) as found:
        field_truth(SKY, far, FIELD, 0.0, 61041.0, 1)
    assert found.value.code == "field_too_wide"


@pytest.mark.parametrize(("mixture", "index"), [(EXPONENTIAL, 1.0), (DE_VAUCOULEURS, 4.0)])
def test_mixtures_are_the_profiles(mixture, index):
    import galsim

    profile = galsim.Sersic(n=index, half_light_radius=1.0, trunc=0.0)
    assert mixture.share.sum() == pytest.approx(1.0)
    # Light within some radii; a de Vaucouleurs profile has a tenth beyond 5 radii.
    for radius, tolerance in ((0.5, 0.02), (1.0, 0.02), (2.0, 0.03), (4.0, 0.04)):
        found = (mixture.share * -np.expm1(-0.5 * (radius / mixture.sigma) ** 2)).sum()
        want = _enclosed(profile, radius)
        assert found == pytest.approx(want, abs=tolerance)


def _enclosed(profile, radius):
    r = np.linspace(0.0, radius, 4000)[1:]
    light = [profile.xValue(x, 0.0) for x in r]
    return float(np.trapezoid(2.0 * np.pi * r * light, r))


def test_stars_move_with_their_motion_and_parallax(small):
    star, _ = small
    later = apparent(star, 61041.0 + 365.25)
    now = apparent(star, 61041.0)
    moved = separation_mas(*now, *later)
    want = np.hypot(star["pmRa"], star["pmDec"])
    # A year later the Earth is back, to a quarter of a day.
    assert np.abs(moved - want).max() < 0.05
    half = apparent({**star, "pmRa": 0 * want, "pmDec": 0 * want}, 61041.0 + 182.6)
    still = apparent({**star, "pmRa": 0 * want, "pmDec": 0 * want}, 61041.0)
    ratio = separation_mas(*half, *still) / star["parallax"]
    assert ratio.min() > 1.0 and ratio.max() < 2.05


def test_reference_catalogue_has_the_scatter_it_states(small):
    star, _ = small
    found = reference_catalogue(star, 1)
    assert to_arrow(product("reference_star"), found).num_rows == (star["r_mag"] < 21.5).sum()
    true = {n: c[star["r_mag"] < 21.5] for n, c in star.items()}
    pull = (found["r_mag"] - true["r_mag"]) / found["r_magErr"]
    assert pull.std() == pytest.approx(1.0, rel=0.15) and abs(pull.mean()) < 0.2
    assert found["i_magErr"].min() >= 0.002 and found["i_magErr"].max() <= 0.005
    years = (61041.0 - EPOCH) / 365.25
    shift = separation_mas(
        found["coord_ra"], found["coord_dec"], true["coord_ra"], true["coord_dec"]
    )
    want = years * np.hypot(true["pmRa"], true["pmDec"])
    assert np.abs(shift - want).max() < 1.5
    assert not set(found["id"]) & set(star["objectId"])
