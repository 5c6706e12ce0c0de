"""AM against AB and AA: what cannot be true together is said."""

from __future__ import annotations

import pytest

from skyassay.metrics.contract import Measurement
from skyassay.verify.crosschecks import cross_check

AM1, AB1 = "astrometry.relative.am1", "astrometry.band_to_band.ab1"
RMS, AA1 = "astrometry.absolute.rms", "astrometry.absolute.aa1"


def measured(metric: str, value: float, unit: str = "mas", **changes) -> Measurement:
    settings = {"recipe": "srd", "recipe_hash": "0", "band": "i", **changes}
    return Measurement(metric, unit, status="MEASURED", value=value, **settings)


def codes(*found: Measurement) -> list[str]:
    return [f.code for f in cross_check(found, [])]


@pytest.mark.parametrize(("ab1", "told"), [(9.0, []), (5.0, ["steadier_than_its_stars"])])
def test_two_bands_differ_by_the_scatter_of_both(ab1, told) -> None:
    """8 mas in each band's pairs are 5.7 mas in each band's positions, and 8 between them."""
    pairs = [measured(AM1, 8.0, band=band) for band in "ri"]
    assert codes(*pairs, measured(AB1, ab1, component="ra")) == told
    assert codes(pairs[1], measured(AB1, ab1, component="ra")) == []


@pytest.mark.parametrize(("rms", "told"), [(0.006, []), (0.003, ["steadier_than_its_stars"])])
def test_positions_on_the_sky_have_their_scatter(rms, told) -> None:
    assert codes(measured(AM1, 8.0), measured(RMS, rms, "arcsec", component="dec")) == told


def test_a_median_beyond_the_rms_is_an_error() -> None:
    rms = measured(RMS, 0.010, "arcsec", component="ra")
    assert codes(rms, measured(AA1, 14.1, component="ra")) == []
    assert codes(rms, measured(AA1, 14.2, component="ra")) == ["median_beyond_rms"]
    assert codes(rms, measured(AA1, 14.2, component="dec")) == []


@pytest.mark.parametrize(("pull", "told"), [(1.1, []), (2.0, ["quoted_errors_off"])])
def test_quoted_errors_are_held_against_those_made(pull, told) -> None:
    motion = measured("astrometry.motion.parallax", 1.0, diagnostics={"pull_width": pull})
    assert codes(motion) == told
