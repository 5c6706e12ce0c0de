"""Relative, band-to-band and absolute astrometry held against each other.

A pair of stars repeats with the scatter of both, so a position in one visit is uncertain by
AM1 over the square root of two at least. What is compared with another band, or with the
sky, has that scatter in it: AB1 and the absolute error cannot be smaller. Where they are,
the positions that were compared are not those of single visits, or the frame was fitted to
the very positions it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from skyassay.metrics.contract import Measurement
from skyassay.verify.records import COMPARISON_RECIPES, Finding
from skyassay.verify.units import factor

AM1, AB1 = "astrometry.relative.am1", "astrometry.band_to_band.ab1"
RMS, AA1 = "astrometry.absolute.rms", "astrometry.absolute.aa1"
MOTIONS = "astrometry.motion."
REFERENCE = "r"
#: Selections and statistics differ a little; a smaller value by this factor does not fit.
SLACK = 1.5
#: More than half of the values cannot be beyond this many rms (Markov).
MARKOV = math.sqrt(2.0)
ROUNDING = 1e-9
#: Quoted errors may be wrong by this factor before it is reported.
PULL = 1.5


def frame_findings(measurements: Sequence[Measurement]) -> Iterator[Finding]:
    """Yield what does not fit together.

    Yields
    ------
    Finding
        ``steadier_than_its_stars`` (warning), ``median_beyond_rms`` (error),
        ``quoted_errors_off`` (warning).
    """
    ours = [m for m in measurements if m.value is not None]
    ours = [m for m in ours if m.recipe not in COMPARISON_RECIPES]
    pairs = {_place(m): v for m in ours if m.metric == AM1 and (v := _mas(m)) is not None}
    for m in ours:
        if m.metric in (AB1, RMS):
            yield from _steadier(m, pairs)
        if m.metric.startswith(MOTIONS):
            yield from _pull(m)
    yield from _medians(ours)


def _steadier(m: Measurement, pairs: Mapping[object, float]) -> Iterator[Finding]:
    """Compare a position's error with what the pairs of the band, or of both bands, say."""
    bands = (m.band, REFERENCE) if m.metric == AB1 else (m.band,)
    scatter = [pairs.get((_data(m), band)) for band in bands]
    known = [s for s in scatter if s is not None]
    value = _mas(m)
    if len(known) < len(bands) or value is None:
        return
    least = math.sqrt(sum(s**2 / 2.0 for s in known))
    if value * SLACK < least:
        yield Finding(
            "steadier_than_its_stars",
            "warning",
            f"{m.metric} is {value:.3g} mas, yet pairs of stars scatter so much (AM1) that "
            f"single positions are uncertain by {least:.3g} mas.",
            "Are the positions averages, or was the reference made from them?",
            m.metric,
            m.band,
        )


def _medians(ours: Sequence[Measurement]) -> Iterator[Finding]:
    """Check AA1 <= sqrt(2) rms: both are made from the same errors."""
    rms = {(_place(m), m.component): _mas(m) for m in ours if m.metric == RMS}
    for m in ours:
        other, value = rms.get((_place(m), m.component)), _mas(m)
        if m.metric != AA1 or other is None or value is None:
            continue
        if value > MARKOV * other * (1.0 + ROUNDING):
            yield Finding(
                "median_beyond_rms",
                "error",
                f"AA1 is {value:.4g} mas and the rms of the same errors {other:.4g} mas: a median "
                "cannot be beyond the square root of two times the rms.",
                "The two were not made from the same positions.",
                m.metric,
                m.band,
            )


def _pull(m: Measurement) -> Iterator[Finding]:
    """Compare the quoted errors of fits with those that were made."""
    width = m.diagnostics.get("pull_width")
    if not isinstance(width, float) or 1.0 / PULL <= width <= PULL:
        return
    yield Finding(
        "quoted_errors_off",
        "warning",
        f"The errors made are {width:.2g} times those quoted ({m.metric}).",
        "Quoted errors alone would give another verdict; the true ones are used.",
        m.metric,
        m.band,
    )


def _place(m: Measurement) -> object:
    return _data(m), m.band


def _data(m: Measurement) -> object:
    return frozenset(m.data_id.items())


def _mas(m: Measurement) -> float | None:
    scale = factor(m.unit, "mas")
    return None if scale is None or m.value is None else m.value * scale
