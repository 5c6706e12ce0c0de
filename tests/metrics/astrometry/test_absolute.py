"""Positions against an external frame: analytic errors, motion, poles, what is not measured."""

import numpy as np
import pytest

from skyassay.metrics.astrometry.motion import carried, directions, earth
from skyassay.metrics.astrometry.reference import residuals
from skyassay.metrics.contract import state_digest
from skyassay.metrics.registry import make

MAS = 1.0 / 3.6e6
STARS, VISITS = 240, 8


def field(ra0, dec0, east, north, *, years=0.0, pm=(0.0, 0.0), declared=False, seed=1):
    """Return matched_source and reference_star: every star in every visit, errors in mas."""
    r = np.random.default_rng(seed)
    # A square of two degrees around the place, on the sphere.
    x, y = np.radians(r.uniform(-1.0, 1.0, (2, STARS)))
    p0, e0, n0 = (v[0] for v in directions(np.full(1, ra0), np.full(1, dec0)))
    p = p0 + x[:, None] * e0 + y[:, None] * n0
    p /= np.linalg.norm(p, axis=1, keepdims=True)
    ra, dec = sky(p)
    star, visit = (a.ravel() for a in np.indices((STARS, VISITS)))
    _, e, n = directions(ra, dec)
    shift = np.radians(MAS)
    off = [np.broadcast_to(c, (STARS, VISITS)).ravel() for c in (east, north)]
    moved = p[star] + shift * (
        (off[0] + pm[0] * years)[:, None] * e[star] + (off[1] + pm[1] * years)[:, None] * n[star]
    )
    mra, mdec = sky(moved)
    epoch = 57388.5
    source = {
        "objectId": star + 1,
        "visit": visit + 1,
        "band": np.full(star.size, "r"),
        "coord_ra": mra,
        "coord_dec": mdec,
        "psfFlux": np.full(star.size, 1e5),
        "psfFluxErr": np.full(star.size, 1e2),
        "extendedness": np.zeros(star.size),
        "detector": np.zeros(star.size, dtype=np.int64),
        "epochMjdTai": np.full(star.size, epoch + years * 365.25),
    }
    reference = {
        "id": 900 + np.arange(STARS),
        "coord_ra": ra,
        "coord_dec": dec,
        "epochMjdTai": np.full(STARS, epoch),
        "pmRa": np.full(STARS, pm[0]),
        "pmDec": np.full(STARS, pm[1]),
        "parallax": np.ones(STARS),
    }
    if declared:
        reference["objectId"] = np.arange(STARS) + 1
    return {"matched_source": source, "reference_star": reference}


def sky(p):
    return np.degrees(np.arctan2(p[:, 1], p[:, 0])) % 360.0, np.degrees(
        np.arctan2(p[:, 2], np.hypot(p[:, 0], p[:, 1]))
    )


def noise(size, seed=7):
    return size * np.random.default_rng(seed).standard_normal((2, STARS, VISITS))


def measured(tables, metric="astrometry.absolute.aa1"):
    plugin = make(metric)
    return {m.component: m for m in plugin.finish(plugin.fold(tables), {})}


@pytest.mark.parametrize("place", [(0.0, 0.0), (359.9, -30.0), (120.0, 89.5), (200.0, -90.0)])
def test_median_error_of_normal_noise_anywhere_on_the_sky(place):
    e, n = noise(20.0)
    found = measured(field(*place, e, n))
    for component in ("ra", "dec"):
        assert found[component].value == pytest.approx(0.6745 * 20.0, rel=0.05)
        assert found[component].interval.low < 0.6745 * 20.0 < found[component].interval.high
        assert found[component].band == "r"


def test_constant_offset_counts_in_full():
    e, n = noise(2.0)
    found = measured(field(10.0, -20.0, e + 60.0, n - 5.0))
    assert found["ra"].value == pytest.approx(60.0, abs=1.0)
    assert found["dec"].value == pytest.approx(5.0, abs=1.0)
    rms = measured(field(10.0, -20.0, e + 60.0, n - 5.0), "astrometry.absolute.rms")
    assert rms["ra"].value == pytest.approx(0.06003, abs=5e-4)


@pytest.mark.parametrize("declared", [True, False])
def test_reference_is_carried_to_the_time_of_the_measurement(declared):
    e, n = noise(3.0)
    tables = field(0.2, -30.0, e, n, years=12.0, pm=(150.0, -80.0), declared=declared)
    found = measured(tables)
    assert found["ra"].value < 4.0
    assert found["dec"].value < 4.0
    still = {**tables["reference_star"], "pmRa": np.zeros(STARS)}
    assert measured({**tables, "reference_star": {**still, "objectId": np.arange(STARS) + 1}})[
        "ra"
    ].value == pytest.approx(1800.0, rel=0.01)


def test_parallax_is_seen_in_dated_positions_only():
    place = directions(np.array([30.0]), np.array([-20.0]))
    zero = (np.zeros(1), np.zeros(1))
    mjd = 60000.0 + np.arange(0.0, 366.0, 7.3)
    shifts = []
    for one in mjd:
        seen = carried(place, zero, np.zeros(1), np.array([100.0]), np.array([one]))
        east, north = residuals(seen, place[0])
        shifts.append(np.hypot(east, north)[0])
    # An ellipse whose long half-axis is the parallax.
    assert max(shifts) == pytest.approx(100.0, rel=0.025)
    assert np.linalg.norm(earth(mjd), axis=1) == pytest.approx(1.0, abs=0.018)


def test_earth_is_where_astropy_has_it():
    from astropy.coordinates import get_body_barycentric
    from astropy.time import Time

    mjd = np.array([57388.5, 60080.0, 61041.3])
    sun = get_body_barycentric("sun", Time(mjd, format="mjd"))
    there = get_body_barycentric("earth", Time(mjd, format="mjd"))
    want = (there - sun).xyz.to_value("au").T
    assert earth(mjd) == pytest.approx(want, abs=5e-4)


def test_digest_is_the_same_for_any_order_and_partition():
    e, n = noise(5.0)
    tables = field(359.9, 10.0, e, n)
    metric = make("astrometry.absolute.aa1")
    whole = metric.fold(tables)
    shuffled = np.random.default_rng(3).permutation(STARS * VISITS)
    parts = metric.zero()
    for rows in np.array_split(shuffled, 5):
        part = {k: v[rows] for k, v in tables["matched_source"].items()}
        parts = metric.merge(metric.fold({**tables, "matched_source": part}), parts)
    assert state_digest(parts) == state_digest(whole)


def test_copies_of_the_reference_are_no_measurement():
    found = measured(field(10.0, -20.0, np.zeros(1), np.zeros(1)))
    assert [m.reason for m in found.values()] == ["no_scatter"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"epochMjdTai": None}, "no_epoch"),
        ({"psfFluxErr": np.full(STARS * VISITS, 1e5)}, "no_reference_match"),
        ({"coord_ra": np.full(STARS * VISITS, np.nan)}, "no_reference_match"),
        ({"coord_dec": np.full(STARS * VISITS, 60.0)}, "no_reference_match"),
        ({"visit": np.ones(STARS * VISITS, dtype=int)}, "too_few_clusters"),
    ],
)
@pytest.mark.parametrize("metric", ["astrometry.absolute.aa1", "astrometry.wcs.accuracy"])
def test_what_cannot_be_measured_says_why(metric, change, reason):
    e, n = noise(5.0)
    tables = field(10.0, -20.0, e, n)
    source = {**tables["matched_source"], **change}
    if "visit" in change:
        reason = "too_few_images" if metric.endswith("wcs.accuracy") else reason
        source["objectId"] = np.arange(STARS * VISITS)
    tables["matched_source"] = {k: v for k, v in source.items() if v is not None}
    plugin = make(metric)
    found = plugin.finish(plugin.fold(tables), {})
    assert {m.reason for m in found} == {reason}
    assert all(m.hint for m in found)


def test_nothing_at_all_is_not_measured():
    tables = field(10.0, -20.0, *noise(5.0))
    empty = {k: v[:0] for k, v in tables["reference_star"].items()}
    for metric in ("astrometry.absolute.aa1", "astrometry.absolute.rms", "astrometry.wcs.accuracy"):
        plugin = make(metric)
        none = plugin.finish(plugin.fold({**tables, "reference_star": empty}), {})
        assert {m.status for m in none} == {"NOT_MEASURED"}
        assert {m.status for m in plugin.finish(plugin.zero(), {})} == {"NOT_MEASURED"}
        assert plugin.evidence(plugin.zero()) == {}


@pytest.mark.parametrize("metric", ["astrometry.absolute.aa1", "astrometry.absolute.rms"])
@pytest.mark.parametrize("share", [0.3, 0.8])
def test_positions_out_of_reach_of_their_reference_are_not_left_out_in_silence(metric, share):
    e, n = noise(10.0)
    far = np.random.default_rng(5).random((STARS, VISITS)) < share
    found = measured(field(10.0, -20.0, e, n + 3000.0 * far), metric)
    assert [(m.status, m.reason) for m in found.values()] == [
        ("NOT_MEASURED", "positions_unmatched")
    ]
