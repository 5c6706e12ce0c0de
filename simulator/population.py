"""What the expected values are averaged over: stars, observing conditions, the field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import BANDS, POGSON, BandErrors
from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.universe import WIDE_ID

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Conditions:
    """Equally likely observing conditions of one band.

    Attributes
    ----------
    m5 : ndarray, shape (c,)
        Five-sigma depth of the visit, mag.
    seeing : ndarray, shape (c,)
        FWHM, arcsec.
    """

    m5: Floats
    seeing: Floats


@dataclass(frozen=True)
class Selection:
    """Which stars a quantity is about; magnitudes in every band that takes part.

    Attributes
    ----------
    bright, faint : float
        Magnitude range.
    snr_min : float
        Least signal to noise ratio at the median depth, photon noise alone.
    """

    bright: float = -np.inf
    faint: float = np.inf
    snr_min: float = 0.0


@dataclass(frozen=True, eq=False)
class Population:
    """Stars as nodes of a quadrature, and the conditions under which they are seen.

    Attributes
    ----------
    magnitudes : mapping
        Band -> ndarray, shape (s,).
    weights : ndarray, shape (s,)
    conditions : mapping
        Band -> Conditions.
    field_radius : float
        Radius in degrees over which stars are uniform; linear distortion moves positions by it.
    """

    magnitudes: Mapping[str, Floats]
    weights: Floats
    conditions: Mapping[str, Conditions]
    field_radius: float = 0.0

    def select(self, selection: Selection, errors: tuple[BandErrors, ...]) -> Population:
        """Return the stars inside `selection` in each of the bands of `errors`."""
        keep = self.weights > 0
        for e in errors:
            mag = self.magnitudes[e.band]
            keep &= (mag >= selection.bright) & (mag <= selection.faint)
            noise = e.photon_mag(mag, np.full(1, np.median(self.conditions[e.band].m5)))
            keep &= noise * selection.snr_min <= POGSON
        if not keep.any():
            raise SimulatorError(
                f"No star is left between magnitude {selection.bright} and {selection.faint} "
                f"in {' and '.join(e.band for e in errors)}.",
                code="empty_selection",
                hint="Widen the magnitude range or lower the signal to noise limit.",
            )
        mags = {b: m[keep] for b, m in self.magnitudes.items()}
        return Population(mags, self.weights[keep], self.conditions, self.field_radius)

    def thinned(self, nodes: int, band: str) -> Population:
        """Return about `nodes` equally spaced ranks of brightness in `band`."""
        if self.weights.size <= nodes:
            return self
        order = np.argsort(self.magnitudes[band], kind="stable")
        cumulative = np.cumsum(self.weights[order])
        ranks = (np.arange(nodes) + 0.5) / nodes * cumulative[-1]
        pick = order[np.minimum(np.searchsorted(cumulative, ranks), order.size - 1)]
        mags = {b: m[pick] for b, m in self.magnitudes.items()}
        return Population(mags, np.ones(nodes), self.conditions, self.field_radius)


def uniform_population(mag: float = 18.0, m5: float = 24.5, seeing: float = 0.7) -> Population:
    """Return a population of equal stars under equal conditions in every band."""
    one = np.ones(1)
    return Population(
        magnitudes=dict.fromkeys(BANDS, mag * one),
        weights=one,
        conditions={b: Conditions(m5 * one, seeing * one) for b in BANDS},
    )


def truth_population(
    stars: Mapping[str, NDArray[Any]], visits: Mapping[str, NDArray[Any]], field_radius: float
) -> Population:
    """Return the population of one simulated release: its own stars under its own conditions.

    Few nights do not sample the weather; values of this population are what the release's
    measurements estimate, however many stars share a lucky week.

    Parameters
    ----------
    stars, visits : mapping
        The `truth_star` and `truth_visit` products.
    field_radius : float
        Degrees.
    """
    bands = [b for b in BANDS if np.any(visits["band"] == b)]
    seen = {b: visits["band"] == b for b in bands}
    # Stars of the wide sky are in no visit.
    field = stars["objectId"] < WIDE_ID
    return Population(
        magnitudes={b: stars[f"{b}_mag"][field] for b in bands},
        weights=np.ones(int(field.sum())),
        conditions={
            b: Conditions(visits["magLim"][seen[b]], visits["seeing"][seen[b]]) for b in bands
        },
        field_radius=field_radius,
    )
