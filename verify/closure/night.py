"""The truth closure of a night's differences: fluxes, places, noise, what is found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.verify.closure.checks import MAD_TO_SIGMA, Check, Closure, Wanted
from skyassay.verify.closure.cuts import cut_checks, cuts
from skyassay.verify.closure.difference_pulls import (
    MIN_SHOWN,
    TOGETHER,
    host_checks,
    pull_checks,
    pulled,
)
from skyassay.verify.closure.faint import half_point
from skyassay.verify.closure.injected import BRIGHT, Injected, injected_sources
from skyassay.verify.closure.matching import Table
from skyassay.verify.closure.quality import quality_checks

Floats = NDArray[np.float64]
#: Sources in a band without which its curve of completeness is nothing.
MIN_CURVE = 100
FLUX_BIAS = Wanted("difference_flux_bias", "%", -2.0, 2.0)
HALF = Wanted("difference_completeness_50", "", 4.7, 5.3)
CEILING = Wanted("difference_completeness_bright", "%")
NOISE = Wanted("difference_noise_over_perfect", "")
Behind = dict[str, dict[str, Mapping[str, NDArray[Any]]]]


def close_night(tables: Mapping[str, Table], bands: Sequence[str]) -> Closure:
    """Compare what was measured on a night's differences with what was injected and changed.

    Parameters
    ----------
    tables : mapping
        Products of `skyassay.verify.closure.tables.NIGHT` -> columns; what is not there gives
        checks that were not measured.
    bands : sequence of str
    """
    checks: list[Check] = []
    behind: Behind = {}
    if {"injected_dia_source", "truth_injected_source"} <= set(tables):
        sources = injected_sources(tables["injected_dia_source"], tables["truth_injected_source"])
        sources = sources.where(np.isin(sources.band, bands))
    else:
        sources = None
    for band in bands:
        mine = None if sources is None else sources.where(sources.band == band)
        checks += injected_checks(mine, band)
        checks += quality_checks(tables.get("difference_quality"), band)
        if mine is not None:
            seen = {"snr": mine.snr, "found": mine.found}
            behind.setdefault("difference_completeness", {})[band] = seen
    checks += pull_checks(sources)
    if sources is not None:
        checks += host_checks(sources)
        behind["difference_pulls"] = {TOGETHER: pulled(sources)}
        seen = {"separation": sources.separation, "snr": sources.snr, "found": sources.found}
        behind["difference_hosts"] = {TOGETHER: seen}
    curve = cuts(tables, sources)
    checks += cut_checks(curve, tables, TOGETHER)
    if curve is not None:
        behind["difference_cuts"] = {TOGETHER: curve}
    return Closure(tuple(checks), behind)


def injected_checks(sources: Injected | None, band: str) -> list[Check]:
    """Return bias, completeness and noise of one band."""
    wanted = (FLUX_BIAS, HALF, CEILING, NOISE)
    if sources is None:
        return [w.missing(band, "no_injected_sources", 0) for w in wanted]
    bright = sources.where(sources.snr >= BRIGHT)
    bias = bright.bias[np.isfinite(bright.bias)]
    if len(bright) < MIN_CURVE:
        return [w.missing(band, "too_few_injected_sources", len(bright)) for w in wanted]
    share, n = float(bright.found.mean()), len(bright)
    scatter = MAD_TO_SIGMA * float(np.median(np.abs(bias - np.median(bias)))) if len(bias) else 0.0
    error = 1.2533 * scatter / np.sqrt(max(len(bias), 1))
    noise = bright.noise[np.isfinite(bright.noise)]
    return [
        FLUX_BIAS.judged(band, 100.0 * float(np.median(bias)), 100.0 * error, len(bias))
        if len(bias) >= MIN_SHOWN
        else FLUX_BIAS.missing(band, "too_few_injected_sources", len(bias)),
        _half(sources, share, band),
        CEILING.judged(band, 100.0 * share, 100.0 * np.sqrt(share * (1.0 - share) / n), n),
        NOISE.judged(band, float(np.median(noise)), float("nan"), n)
        if len(noise)
        else NOISE.missing(band, "too_few_injected_sources", 0),
    ]


def _half(sources: Injected, ceiling: float, band: str) -> Check:
    """Return the S/N at which half of those are found that are found when they are bright."""
    known = np.isfinite(sources.snr)
    snr, found = sources.snr[known], sources.found[known]
    if len(snr) < MIN_CURVE or found.all() or not found.any():
        return HALF.missing(band, "no_falling_curve", len(snr))
    half, error = half_point(snr, found, ceiling)
    return HALF.judged(band, half, error, len(snr))
