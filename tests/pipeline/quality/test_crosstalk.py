"""Echoes: at the right place, of the right size, and none where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.instrument.layouts import camera
from skyassay.pipeline.quality.crosstalk import (
    COLUMNS,
    Choice,
    amplifier_of,
    fwhm,
    mirrored,
    residuals,
)
from skyassay.pipeline.quality.errors import QualityError
from skyassay.pipeline.quality.stamps import Pixels

AMPS = camera("small").detectors[0].amplifiers
STARS = [(60.3, 70.6), (420.2, 150.1), (130.7, 420.4), (330.5, 300.8)]


@given(st.sampled_from(AMPS), st.sampled_from(AMPS), st.floats(0.0, 255.0), st.floats(0.0, 511.0))
def test_the_mirror_of_a_mirror_is_the_place_itself(a, b, column, row) -> None:
    place = (a.x0 + column, a.y0 + row)
    there = mirrored(*place, a, b)
    assert amplifier_of(*there, AMPS) == b
    assert mirrored(*there, b, a) == pytest.approx(place)


def test_what_is_read_first_mirrors_what_is_read_first() -> None:
    """Checked on the readout itself: an echo is in the same pixel of the raw array."""
    for a in AMPS:
        for b in AMPS:
            corner_a, corner_b = (
                (
                    c.x0 + (c.width - 1 if c.flip_x else 0),
                    c.y0 + (c.height - 1 if c.flip_y else 0),
                )
                for c in (a, b)
            )
            assert mirrored(*corner_a, a, b) == corner_b


def test_amplifiers_of_other_sizes_are_refused() -> None:
    with pytest.raises(QualityError) as caught:
        mirrored(1.0, 1.0, AMPS[0], replace(AMPS[1], width=13))
    assert caught.value.code == "unequal_amplifiers"


def test_a_place_outside_belongs_to_no_amplifier() -> None:
    assert amplifier_of(-3.0, 5.0, AMPS) is None
    assert amplifier_of(np.nan, 5.0, AMPS) is None
    assert amplifier_of(-0.4, 0.0, AMPS) == AMPS[0]


def scene(sky, coupling: float, seed: int = 1, flux: float = 4e6):
    """Return an image with bright stars, each echoing in every other amplifier."""
    image = sky.blank(seed)
    for x, y in STARS:
        sky.add(image, x, y, flux)
        home = amplifier_of(x, y, sky.amplifiers)
        for other in sky.amplifiers:
            if other != home:
                sky.add(image, *mirrored(x, y, home, other), coupling * flux)
    x, y = np.array(STARS).T
    return image, x, y


def test_an_echo_is_measured_at_its_place(sky) -> None:
    image, x, y = scene(sky, 3e-4)
    found = residuals(sky.pixels(image), sky.psf, sky.amplifiers, x, y)
    assert set(found) == set(COLUMNS)
    assert len(found["x"]) == 12
    assert found["psfFlux"] == pytest.approx(1200.0, abs=5 * found["psfFluxErr"].max())
    assert found["aggressorFlux"] == pytest.approx(4e6, rel=0.02)
    assert found["snr"] == pytest.approx(found["psfFlux"] / found["psfFluxErr"])
    assert found["targetAmp"].dtype == np.int32


def test_without_an_echo_there_is_noise_of_the_quoted_size(sky) -> None:
    snr = []
    for seed in range(12):
        image, x, y = scene(sky, 0.0, seed)
        snr.append(residuals(sky.pixels(image), sky.psf, sky.amplifiers, x, y)["snr"])
    pull = np.concatenate(snr)
    assert abs(pull.mean()) < 4.0 / np.sqrt(len(pull))
    assert pull.std() == pytest.approx(1.0, abs=4.0 / np.sqrt(2 * len(pull)))


def test_a_real_star_near_a_place_disturbs_it_and_an_echo_does_not(sky) -> None:
    image, x, y = scene(sky, 1e-3)
    home, target = sky.amplifiers[0], sky.amplifiers[1]
    there = mirrored(*STARS[0], home, target)
    all_of = residuals(sky.pixels(image), sky.psf, sky.amplifiers, x, y)
    # The echo itself was detected, exactly where it must be.
    echo = residuals(
        sky.pixels(image), sky.psf, sky.amplifiers, np.r_[x, there[0]], np.r_[y, there[1]]
    )
    assert len(echo["x"]) == len(all_of["x"])
    # Another star is four pixels away.
    sky.add(image, there[0] + 4.0, there[1], 3000.0)
    near = residuals(
        sky.pixels(image), sky.psf, sky.amplifiers, np.r_[x, there[0] + 4.0], np.r_[y, there[1]]
    )
    assert len(near["x"]) == len(all_of["x"]) - 1
    # A bright one, just there, is no echo either.
    sky.add(image, *there, 1e6)
    bright = residuals(
        sky.pixels(image), sky.psf, sky.amplifiers, np.r_[x, there[0]], np.r_[y, there[1]]
    )
    assert not ((bright["aggressor"] == 0) & (bright["targetAmp"] == 1)).any()


def test_masked_places_and_faint_stars_say_nothing(sky) -> None:
    image, x, y = scene(sky, 0.0)
    pixels = sky.pixels(image)
    masked = pixels.usable.copy()
    masked[:, 256:] = False
    half = residuals(Pixels(pixels.image, pixels.variance, masked), sky.psf, sky.amplifiers, x, y)
    assert len(half["x"])
    assert (half["x"] < 256).all()
    few = residuals(pixels, sky.psf, sky.amplifiers, x, y, Choice(brightest=1))
    assert set(few["aggressor"]) == {0}
    assert not len(residuals(pixels, sky.psf, sky.amplifiers, x + 60.0, y)["x"])


@pytest.mark.parametrize("x", [np.empty(0), np.array([np.nan]), np.array([5000.0])])
def test_no_source_no_row_but_every_column(sky, x) -> None:
    found = residuals(sky.pixels(sky.blank(1)), sky.psf, sky.amplifiers, x, x)
    assert {n: len(c) for n, c in found.items()} == dict.fromkeys(COLUMNS, 0)
    assert found["aggressor"].dtype == np.int32


def test_an_image_without_variance_is_an_error(sky) -> None:
    pixels = sky.pixels(sky.blank(1))
    empty = Pixels(pixels.image, np.full_like(pixels.variance, np.nan), pixels.usable)
    with pytest.raises(QualityError) as caught:
        residuals(empty, sky.psf, sky.amplifiers, np.array([50.0]), np.array([50.0]))
    assert caught.value.code == "no_variance"


def test_width_of_a_gaussian(sky) -> None:
    assert fwhm(sky.psf(30.0, 30.0)) == pytest.approx(2.3548 * 1.8, rel=1e-3)
