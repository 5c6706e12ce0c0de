"""How wide the intervals of clustered units will be, before anything is simulated.

The formulae are those of the metrics' statistics: an effective number of independent units,
exact limits of a fraction, order statistics of a quantile. Each gives the standard error that
the one-sided 95 % limit amounts to, or a status where that limit is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtri, stdtrit

from skyassay.simulator.presets import SURVEY, Preset

_Z95 = -float(ndtri(0.05))
#: What few nights make their shared share look like, beyond what it is.
_CAUTION = 0.2
#: Visits of a band and nights of the ten-year survey.
_SURVEY_VISITS, _SURVEY_NIGHTS = 250_000.0, 2_500.0


@dataclass(frozen=True)
class Layout:
    """Units of one band: how many, in how many nights, and the share of variance they share."""

    visits: float
    nights: float
    shared: float

    @property
    def effective(self) -> float:
        """Number of independent units that would know as much."""
        shared = self.shared + (_CAUTION if self.nights < 100 else 0.0)
        design = 1.0 + min(shared, 1.0) * max(self.visits / self.nights - 1.0, 0.0)
        student = float(stdtrit(max(self.nights - 1.0, 1.0), 0.95))
        return max(self.visits / design * (_Z95 / student) ** 2, 1.0)


def layout(preset: Preset, share: float, shared: float) -> Layout:
    """Return the layout of a share of the visits of a preset."""
    if preset is SURVEY:
        return Layout(share * _SURVEY_VISITS, _SURVEY_NIGHTS, shared)
    visits = share * preset.cadence.visits_per_band
    return Layout(visits, min(float(preset.cadence.nights), visits), shared)


def quantile_error(found: Layout, q: float, scatter: float, *, lower: bool) -> float | str:
    """Return the standard error of a quantile of normal values.

    Parameters
    ----------
    found : Layout
    q : float
    scatter : float
        Standard deviation of the values.
    lower : bool
        Whether the lower limit decides.
    """
    n = found.effective
    open_end = (1.0 - q if lower else q) ** n
    # Near the edge of what so few units can bound, chance decides.
    if open_end > 0.15:
        return "INCONCLUSIVE"
    if open_end > 0.005:
        return "INCONCLUSIVE or PASS"
    density = np.exp(-0.5 * float(ndtri(q)) ** 2) / np.sqrt(2.0 * np.pi)
    return float(np.sqrt(q * (1.0 - q) / n) / density * scatter)


def fraction_error(found: Layout, percent: float) -> float | str:
    """Return the standard error, in per cent, that the upper limit of a fraction amounts to."""
    n, p = found.effective, percent / 100.0
    upper = float(betaincinv(p * n + 1.0, max(n * (1.0 - p), 1e-9), 0.95))
    return 100.0 * (upper - p) / _Z95


def scatter_of(*terms: float) -> float:
    """Return the scatter of a sum of independent terms."""
    return float(np.sqrt(np.square(terms).sum()))
