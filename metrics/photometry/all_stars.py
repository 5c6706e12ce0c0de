"""PA1 of all stars, where the interval has only a sample of them (docs/decisions/0014)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.family import NotMeasured
from skyassay.metrics.states.star_counts import Counts, counted, small_sample_factors
from skyassay.metrics.statistics.scale import Scale
from skyassay.metrics.statistics.twoway import TwoWay

_MEDIAN = 0.5
#: The density at the median is taken from so much of the values on each side.
_NEAR = 0.15


def scale_of_all(fit: TwoWay, sample: Scale, everything: Counts) -> Scale:
    """Return the typical scatter of all stars, with the interval of the sample.

    What a visit shares can only be split off in the sample. What is counted for all is each
    star's whole scatter, so the sample's median of the own parts is corrected by regression
    (Cochran 1977, section 7.1): ``own = own of sample + b (whole of all - whole of sample)``
    in squares, all medians. Both whole medians hold the same visits and the sample is a
    random one: the correction is zero on average, and the value estimates what the sample's
    does. `b` is the one that makes it most certain; 1 where visits share nothing, near 0
    where they share nearly everything. The interval is the sample's, valid for it alone, and
    stays so when it is widened to hold the value.

    Parameters
    ----------
    fit : TwoWay
        Of the sample, mmag.
    sample : Scale
        From `fit`.
    everything : Counts
        Of the scatter of all stars, mmag.

    Raises
    ------
    NotMeasured
        ``sample_unlike_all`` when the sample cannot be of these stars.
    """
    whole = fit.raw_scatter / small_sample_factors(int(fit.count.max()))[fit.count]
    change = everything.reach(_MEDIAN) ** 2 - counted(whole).reach(_MEDIAN) ** 2
    square = sample.value**2 + _slope(fit.own_scatter() ** 2, whole**2) * change
    if not square > 0:
        raise NotMeasured(
            "sample_unlike_all", "The sampled stars scatter unlike all stars: look at their ids."
        )
    value = float(np.sqrt(square))
    wide = sample.interval
    interval = replace(
        wide,
        low=min(wide.low, value),
        high=max(wide.high, value),
        lower=min(wide.lower, value),
        upper=max(wide.upper, value),
    )
    return Scale(value, interval, sample.visit_share)


def _slope(y: NDArray[np.float64], x: NDArray[np.float64]) -> float:
    """Return how the median of y moves with the median of x between samples of the units.

    A median moves by the share of values on its wrong side over the density there.
    """
    below = (y < np.median(y), x < np.median(x))
    together = float((below[0] & below[1]).mean()) - float(below[0].mean() * below[1].mean())
    steps = [float(np.diff(np.quantile(v, [_MEDIAN - _NEAR, _MEDIAN + _NEAR]))[0]) for v in (y, x)]
    return together / _MEDIAN**2 * steps[0] / steps[1] if steps[1] > 0 else 0.0
