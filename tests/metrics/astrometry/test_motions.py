"""Errors of fitted motions: their width, their scope, and what cannot be measured."""

import numpy as np
import pytest

from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

STARS = 3000
BANDS = "ugrizy"


def fits(*, sigma=2.0, offset=0.0, years=10.0, r=24.0, y=23.0, span=4.0, quoted=1.0, seed=5):
    """Return fits with normal errors of size `sigma` and the truth."""
    d = np.random.default_rng(seed)
    truth = {
        "objectId": np.arange(STARS) + 10,
        "parallax": d.exponential(1.0, STARS),
        "pmRa": 10.0 * d.standard_normal(STARS),
        "pmDec": 10.0 * d.standard_normal(STARS),
        **{f"{b}_mag": np.full(STARS, 27.0) for b in BANDS},
    }
    truth |= {"r_mag": np.full(STARS, r), "y_mag": np.full(STARS, y)}
    error = offset + sigma * d.standard_normal((3, STARS))
    fitted = {
        "objectId": truth["objectId"],
        "ra": (359.0 + span * d.random(STARS)) % 360.0,
        "dec": span * d.random(STARS),
        **{
            name: truth[true] + e
            for (name, true), e in zip(
                (("parallax", "parallax"), ("raPM", "pmRa"), ("decPM", "pmDec")), error, strict=True
            )
        },
        **{f"{n}Err": np.full(STARS, quoted * sigma) for n in ("parallax", "raPM", "decPM")},
        "firstEpochMjdTai": np.full(STARS, 60000.0),
        "lastEpochMjdTai": np.full(STARS, 60000.0 + 365.25 * years),
    }
    return {"isolated_star_stellar_motions": fitted, "truth_motion": truth}


def measured(tables, metric="astrometry.motion.parallax"):
    plugin = make(metric)
    return plugin.finish(plugin.fold(tables), {})


def test_the_width_of_normal_errors_is_found_and_the_pull_with_it():
    (found,) = measured(fits(sigma=2.0, quoted=0.5))
    assert found.value == pytest.approx(2.0, rel=0.06)
    assert found.interval.low < 2.0 < found.interval.high
    assert found.diagnostics["pull_width"] == pytest.approx(2.0, rel=0.06)
    assert found.band == "r"


def test_motions_are_measured_per_coordinate():
    found = {m.component: m for m in measured(fits(), "astrometry.motion.proper_motion")}
    assert set(found) == {"ra", "dec"}
    assert all(m.value == pytest.approx(2.0, rel=0.06) for m in found.values())


def test_an_error_that_all_share_counts():
    (found,) = measured(fits(sigma=0.1, offset=5.0))
    assert found.value == pytest.approx(1.4826 * 5.0, rel=0.01)


def test_red_stars_are_those_that_y_alone_sees():
    assert measured(fits(r=27.0, y=21.3), "astrometry.motion.parallax_red")[0].value is not None
    (found,) = measured(fits(r=24.5, y=21.3), "astrometry.motion.parallax_red")
    assert (found.reason, found.diagnostics["rejected_magnitude"]) == ("too_few_stars", STARS)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"years": 0.06}, "out_of_scope_short_baseline"),
        ({"r": 22.0}, "too_few_stars"),
        ({"span": 0.4}, "too_few_cells"),
        ({"sigma": 0.0}, "no_scatter"),
        ({"sigma": np.nan}, "too_few_stars"),
    ],
)
def test_what_cannot_be_measured_says_why(settings, reason):
    (found,) = measured(fits(**settings))
    assert (found.status, found.reason) == ("NOT_MEASURED", reason)


def test_no_rows_and_no_truth_are_not_measured():
    tables = fits()
    none = {k: v[:0] for k, v in tables["truth_motion"].items()}
    (found,) = measured({**tables, "truth_motion": none})
    assert (found.reason, found.diagnostics["rejected_no_truth"]) == ("too_few_stars", STARS)


def test_order_and_partition_do_not_matter():
    tables, metric = fits(), make("astrometry.motion.parallax")
    whole, parts = metric.fold(tables), metric.zero()
    for rows in np.array_split(np.random.default_rng(1).permutation(STARS), 4):
        part = {n: {k: v[rows] for k, v in t.items()} for n, t in tables.items()}
        parts = metric.merge(metric.fold(part), parts)
    assert state_digest(parts) == state_digest(whole)


def test_stars_that_could_not_be_fitted_are_not_left_out_in_silence():
    tables = fits()
    fitted = tables["isolated_star_stellar_motions"]
    fitted["parallax"] = np.where(fitted["objectId"] % 3 == 0, np.nan, fitted["parallax"])
    (found,) = measured(tables)
    assert (found.status, found.reason) == ("NOT_MEASURED", "fits_missing")
