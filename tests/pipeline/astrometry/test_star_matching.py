"""Matching with a wrong pointing: found where it can be, refused where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.matching import match_stars, offsets_arcsec
from skyassay.pipeline.astrometry.nominal import initial_wcs
from skyassay.pipeline.astrometry.sphere import deproject
from skyassay.pipeline.instrument.layouts import camera

CAMERA = camera("small")


def scene(
    seed, n=35, extra=60, offset=(8.0, -6.0), turn=0.1, place=(53.0, -27.5), lost=0.2, noise=0.1
):
    """Return detections, reference stars, the nominal WCS and the true pairs.

    `n` stars in the detector, of which a share `lost` is in one list only; `extra` other
    detections, fainter; reference stars also around the detector.
    """
    rng = np.random.default_rng(seed)
    nominal = initial_wcs(CAMERA, 3, *place, 0.0)
    pointing = deproject(offset[0] / 3600, offset[1] / 3600, *place)
    true = initial_wcs(CAMERA, 3, float(pointing[0]), float(pointing[1]), turn)
    pad = 150
    total = int(n * (1024 + 2 * pad) ** 2 / 1024**2)
    x, y = rng.uniform(-pad, 1024 + pad, (2, total))
    mag = 15 + 5.5 * rng.power(2, total)
    ra, dec = true.pixel_to_sky(x, y)
    inside = np.flatnonzero((x > 0) & (x < 1023) & (y > 0) & (y < 1023))
    seen = inside[rng.random(len(inside)) > lost]
    known = np.flatnonzero(rng.random(total) > lost)
    dx = np.append(x[seen] + rng.normal(0, noise, len(seen)), rng.uniform(0, 1023, extra))
    dy = np.append(y[seen] + rng.normal(0, noise, len(seen)), rng.uniform(0, 1023, extra))
    flux = np.append(10 ** (-0.4 * mag[seen]), 10 ** (-0.4 * rng.uniform(18, 24, extra)))
    want = {(i, int(np.flatnonzero(known == s)[0])) for i, s in enumerate(seen) if s in known}
    return (dx, dy, flux, ra[known], dec[known], mag[known]), nominal, want


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("place", [(53.0, -27.5), (0.0, 0.0), (359.999, 45.0), (20.0, 89.9)])
def test_ten_arcsec_and_a_tenth_of_a_degree_are_found(seed, place):
    # Next to the pole an error to the east turns the frame by degrees.
    offset = (0.0, -10.0) if place[1] > 80 else (8.0, -6.0)
    lists, nominal, want = scene(seed, place=place, offset=offset)
    got = match_stars(*lists, nominal)
    pairs = set(zip(got.detected.tolist(), got.reference.tolist(), strict=True))
    # A detection at random within the tolerance of a star whose own one is lost may pair.
    assert len(pairs & want) >= len(want) - 1
    assert len(pairs - want) <= 1
    assert got.chance < 1e-10


def test_many_other_detections_do_not_hide_the_stars():
    lists, nominal, want = scene(7, extra=600)
    got = match_stars(*lists, nominal)
    pairs = set(zip(got.detected.tolist(), got.reference.tolist(), strict=True))
    assert len(pairs & want) >= len(want) - 2


def test_the_error_of_the_pointing_is_told():
    # On the equator, where an error to the east turns nothing.
    lists, nominal, _ = scene(1, turn=0.0, place=(53.0, 0.0))
    np.testing.assert_allclose(
        offsets_arcsec(match_stars(*lists, nominal), nominal), (8.0, -6.0), atol=0.05
    )


def test_the_order_of_rows_does_not_matter():
    lists, nominal, _ = scene(2)
    rng = np.random.default_rng(0)
    first = match_stars(*lists, nominal)
    i, j = rng.permutation(len(lists[0])), rng.permutation(len(lists[3]))
    other = match_stars(*(c[i] for c in lists[:3]), *(c[j] for c in lists[3:]), nominal)
    assert {(a, b) for a, b in zip(first.detected, first.reference, strict=True)} == {
        (i[a], j[b]) for a, b in zip(other.detected, other.reference, strict=True)
    }
    assert np.array_equal(first.transform, other.transform)


# The last pair has five stars that agree when the image is stretched by 0.8 percent.
@pytest.mark.parametrize(("seed", "other"), [*((s, s + 1000) for s in range(30)), (133, 1_000_133)])
def test_unrelated_lists_are_refused(seed, other):
    lists, nominal, _ = scene(seed)
    others, _, _ = scene(other)
    with pytest.raises(AstrometryError) as found:
        match_stars(*lists[:3], *others[3:], nominal)
    assert found.value.code == "no_astrometric_match"
    assert found.value.hint


def test_a_pointing_wrong_by_an_arcminute_is_refused():
    lists, nominal, _ = scene(3, offset=(60.0, 0.0))
    with pytest.raises(AstrometryError, match="by chance"):
        match_stars(*lists, nominal)


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("side", ["detected", "reference"])
def test_too_few_stars_are_no_match(n, side):
    lists, nominal, _ = scene(4)
    cut = [c[:n] if (k < 3) == (side == "detected") else c for k, c in enumerate(lists)]
    with pytest.raises(AstrometryError, match="too few") as found:
        match_stars(*cut, nominal)
    assert found.value.code == "no_astrometric_match"


def test_four_stars_can_be_enough():
    lists, nominal, want = scene(5, n=8, extra=3, lost=0.0, turn=0.0)
    few = [c[:4] for c in lists[:3]]
    got = match_stars(*few, *lists[3:], nominal)
    assert {(a, b) for a, b in zip(got.detected, got.reference, strict=True)} <= want
    assert len(got) == 4


def test_rows_that_are_not_finite_are_left_out():
    lists, nominal, _ = scene(6)
    clean = match_stars(*lists, nominal)
    x, y, flux, ra, dec, mag = (c.copy() for c in lists)
    x[clean.detected[0]] = np.nan
    dec[clean.reference[1]] = np.nan
    flux[clean.detected[2]] = mag[clean.reference[3]] = np.nan
    got = match_stars(x, y, flux, ra, dec, mag, nominal)
    assert set(clean.detected) - set(got.detected) == set(clean.detected[:2])
