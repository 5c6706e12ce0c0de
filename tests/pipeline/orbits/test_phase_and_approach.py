"""Phase curves, the approach to the Earth's orbit, Tisserand's parameter."""

from __future__ import annotations

import numpy as np
import pytest

from skyassay.pipeline.orbits.approach import closest_approach, tisserand
from skyassay.pipeline.orbits.elements import Elements
from skyassay.pipeline.orbits.phase_curve import (
    FIDUCIAL,
    base_functions,
    brightness,
    fit_phase_curve,
)

#: Distance between the Earth's aphelion and the Sun, AU.
APHELION = 1.00000261 * 1.01671123


def orbits(*rows: tuple[float, ...]) -> Elements:
    """Return elements of rows q, e, i, node, argperi."""
    return Elements(
        *(np.array(c, dtype=float) for c in zip(*rows, strict=True)), np.zeros(len(rows))
    )


def test_approach_of_orbits_with_a_closed_form() -> None:
    """Circles in the ecliptic, within and without; the Earth's own; a crossing one."""
    found = closest_approach(
        orbits(
            (2.5, 0.0, 0.0, 0.0, 0.0),
            (0.5, 0.0, 0.0, 0.0, 0.0),
            (1.00000261 * (1 - 0.01671123), 0.01671123, 0.0, 0.0, 102.93768193),
            (0.5, 0.6, 0.0, 40.0, 10.0),
            # At right angles to the ecliptic: nearest at the nodes, or above them.
            (3.0, 0.0, 90.0, 282.93768193, 0.0),
        )
    )
    expected = [2.5 - APHELION, 1.00000261 * (1 - 0.01671123) - 0.5, 0.0, 0.0, 3.0 - APHELION]
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_approach_of_a_hyperbola_is_finite() -> None:
    """An unbound orbit with its perihelion at 3 AU."""
    assert 1.9 < closest_approach(orbits((3.0, 1.5, 20.0, 0.0, 0.0)))[0] < 2.1


def test_tisserand() -> None:
    """Jupiter itself has 3; a hyperbola none."""
    found = tisserand(orbits((5.202887, 0.0, 0.0, 0.0, 0.0), (1.0, 1.5, 0.0, 0.0, 0.0)))
    assert found[0] == pytest.approx(3.0)
    assert np.isnan(found[1])


def test_base_functions_are_one_at_opposition_and_fall() -> None:
    """And are continuous where the pieces meet."""
    np.testing.assert_allclose(base_functions(np.zeros(1))[:, 0], 1.0)
    fine = base_functions(np.radians(np.linspace(0.0, 140.0, 1401)))
    assert (np.diff(fine, axis=1) <= 1e-6).all()
    for edge in (7.5, 30.0):
        around = base_functions(np.radians([edge - 1e-6, edge + 1e-6]))
        np.testing.assert_allclose(around[:, 0], around[:, 1], atol=1e-5)


@pytest.mark.parametrize("g12", [0.2, 0.8])
def test_fit_recovers_h_and_slope_with_the_errors_it_quotes(g12: float) -> None:
    """Pulls over 200 curves of 40 measurements are unit normal."""
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(200):
        phase = np.radians(rng.uniform(0.5, 25.0, 40))
        true = 17.0 - 2.5 * np.log10(brightness(phase, g12))
        found = fit_phase_curve(true + 0.02 * rng.standard_normal(40), np.full(40, 0.02), phase)
        assert found is not None
        assert not found.fiducial
        pulls.append(((found.h - 17.0) / found.h_err, (found.g12 - g12) / found.g12_err))
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.3
    assert np.all((np.std(pulls, axis=0) > 0.8) & (np.std(pulls, axis=0) < 1.2))


def test_a_slope_that_cannot_be_fitted_is_taken() -> None:
    """Few measurements, or a narrow range of angles: H alone, and it says so."""
    phase = np.radians(np.linspace(3.0, 3.5, 8))
    m = 17.0 - 2.5 * np.log10(brightness(phase, FIDUCIAL))
    for size in (8, 3, 1):
        found = fit_phase_curve(m[:size], np.full(size, 0.05), phase[:size])
        assert found is not None
        assert found.fiducial
        assert found.g12 == FIDUCIAL
        assert found.h == pytest.approx(17.0, abs=1e-6)
    nothing = np.full(2, np.nan)
    assert fit_phase_curve(nothing, nothing, nothing) is None
