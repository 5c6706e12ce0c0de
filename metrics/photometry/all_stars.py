"""PA1 of all stars, where the interval has only a sample of them (docs/decisions/0014)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skyassay.metrics.family import NotMeasured
from skyassay.metrics.states.star_counts import Counts, counted, small_sample_factors
from skyassay.metrics.statistics.scale import Scale
from skyassay.metrics.statistics.twoway import TwoWay

_MEDIAN = 0.5


def scale_of_all(fit: TwoWay, sample: Scale, everything: Counts) -> Scale:
    """Return the typical scatter of all stars, with the interval of the sample.

    What a visit shares with others can only be split off in the sample. How all stars
    differ from it is seen in each star's whole scatter, which has been counted for all:
    ``value^2 = sample^2 + (median of all)^2 - (median of the sample)^2``. Both medians hold
    the same visits, so that what these share drops out of the difference, and the sample
    is a random one, so that the difference is zero on average: the value estimates what
    the sample's does. The interval is valid for the sample alone and stays so when it is
    widened to hold the value.

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
    factors = small_sample_factors(int(fit.count.max()))[fit.count]
    same = counted(fit.raw_scatter / factors)
    square = sample.value**2 + everything.reach(_MEDIAN) ** 2 - same.reach(_MEDIAN) ** 2
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
