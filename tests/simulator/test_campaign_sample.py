"""The campaign's samples have the population value they claim, found by brute force."""

import numpy as np
import pytest

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.geometry import separation_mas
from skyassay.simulator.quantities import QUANTITIES, quantity
from skyassay.simulator.sample import campaign_model, campaign_tables

VISITS, STARS = 1500, 18


def cube(table, column, bands):
    """Column as (star, band, visit)."""
    return table[column].reshape(STARS, len(bands), VISITS)


def statistic(q, deviation, band):
    if q.statistic == "width":
        return np.sqrt(np.mean(deviation**2))
    at = q.at[band]
    if q.statistic == "fraction":
        return 100 * np.mean(np.abs(deviation) > at)
    return np.percentile(np.abs(deviation), 100 - at)


def separations(table, bands, distance):
    """Separations (pair, band, visit) in mas of stars of different clusters."""
    ra, dec = cube(table, "coord_ra", bands), cube(table, "coord_dec", bands)
    each = STARS // 3
    i, j = (a.ravel() for a in np.meshgrid(np.arange(each), each + np.arange(each)))
    i, j = np.concatenate([i, i, i + each]), np.concatenate([j, j + each, j + each])
    sep = separation_mas(ra[i], dec[i], ra[j], dec[j])
    assert np.allclose(sep / 6e4, distance, atol=0.9)
    return sep


def deviation(q, table, bands):
    """Deviations of the first band from the star's, pair's or other band's mean."""
    if q.kind == "photometry":
        mag = -2500 * np.log10(cube(table, "psfFlux", bands)[:, 0])
        return mag - mag.mean(axis=1, keepdims=True)
    if q.kind == "offset":
        dec = cube(table, "coord_dec", bands) * 3.6e6
        return dec[:, 0] - dec[:, 1]
    sep = separations(table, bands, q.distance)
    if q.kind == "separation_offset":
        return sep[:, 0] - sep[:, 1]
    return sep[:, 0] - sep[:, 0].mean(axis=1, keepdims=True)


@pytest.mark.parametrize("share", [0.0, 0.5])
@pytest.mark.parametrize("name", [q.name for q in QUANTITIES])
def test_population_value_is_the_target(name, share):
    q = quantity(name)
    bands = ("i", "r")
    table = campaign_tables(name, 9.0, share, VISITS, STARS, seed=5, bands=bands)
    found = statistic(q, deviation(q, table, bands), "i")
    # A width from 1500 visits is good to 1.8 %, a tail fraction to about 4 %.
    assert found == pytest.approx(9.0, rel=0.13 if q.statistic == "fraction" else 0.06)


def test_shared_variance_is_the_share_asked_for():
    table = campaign_tables("PA1", 8.0, 0.5, VISITS, STARS, seed=1, bands=("r",))
    mag = -2500 * np.log10(cube(table, "psfFlux", ("r",))[:, 0])
    common = (mag - mag.mean(axis=1, keepdims=True)).mean(axis=0)
    assert common.var() == pytest.approx(32 + 32 / STARS, rel=0.15)


def test_detector_share_moves_stars_of_a_detector_together():
    table = campaign_tables("PA1", 8.0, 0.0, VISITS, STARS, 1, bands=("r",), detector_share=0.5)
    mag = -2500 * np.log10(cube(table, "psfFlux", ("r",))[:, 0])
    detector = cube(table, "detector", ("r",))[:, 0, 0]
    assert detector[0] == detector[9] != detector[1]
    assert np.corrcoef(mag[0], mag[9])[0, 1] == pytest.approx(0.5, abs=0.08)
    assert np.corrcoef(mag[0], mag[1])[0, 1] == pytest.approx(0.0, abs=0.09)


def test_targets_per_band_and_sorted_rows():
    target = {"u": 7.5, "r": 5.0}
    table = campaign_tables("PA1", target, 0.3, 40, 60, seed=3, bands=("u", "r"))
    assert np.all(np.diff(table["objectId"]) >= 0)
    mag = -2500 * np.log10(table["psfFlux"].reshape(60, 2, 40))
    widths = np.median(mag.std(axis=2, ddof=1), axis=0)
    assert widths[0] / widths[1] == pytest.approx(1.5, rel=0.35)


def test_same_seed_same_bytes_and_other_seed_other_bytes():
    one, two, other = (campaign_tables("AM1", 10.0, 0.5, 4, 30, seed=s) for s in (7, 7, 8))
    assert all(one[c].tobytes() == two[c].tobytes() for c in one)
    assert one["coord_ra"].tobytes() != other["coord_ra"].tobytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("PA1", 5.0, 1.0, 10), "bad_share"),
        (("PA1", 5.0, 0.0, 0), "bad_sample"),
        (("PF1", 100.5, 0.0, 10), "unreachable_target"),
        (("PX1", 5.0, 0.0, 10), "unknown_quantity"),
        (("AB1", {"u": 5.0, "g": 6.0}, 0.0, 10), "bad_target"),
    ],
)
def test_impossible_samples_are_refused(arguments, code):
    with pytest.raises(SimulatorError) as caught:
        campaign_tables(*arguments)
    assert caught.value.code == code


def test_scaling_keeps_the_ratio_of_terms():
    model = campaign_model("PF1", 10.5, 0.25, "u")["u"]
    ratio = model.zero_point_visit_mmag / model.floor_mmag
    assert ratio**2 == pytest.approx(1 / 3)
