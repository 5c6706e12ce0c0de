"""Columns of DIAObjects that sum up their light curves."""

from __future__ import annotations

from skyassay.pipeline.prompt import statistics as st
from skyassay.pipeline.prompt.statistics import Curves, Floats, Ints


def difference_columns(curves: Curves) -> dict[str, Floats | Ints]:
    """Return the ``psfFlux...`` columns that the APDB has, for one band.

    Parameters
    ----------
    curves : Curves
        Difference fluxes of the DIASources, nJy.
    """
    low, high = st.extremes(curves)
    return {
        "psfFluxMean": curves.mean,
        "psfFluxMeanErr": st.mean_error(curves),
        "psfFluxSigma": st.sigma(curves),
        "psfFluxNdata": curves.n,
        "psfFluxMin": low,
        "psfFluxMax": high,
        "psfFluxMaxSlope": st.max_slope(curves),
        "psfFluxErrMean": st.error_mean(curves),
    }


def shape_columns(curves: Curves) -> dict[str, Floats | Ints]:
    """Return the ``psfFlux...`` columns that only releases have (DP1's DiaObject), for one band."""
    slope, intercept = st.line(curves)
    found = {
        "psfFluxChi2": st.chi2(curves),
        "psfFluxMAD": st.mad(curves),
        "psfFluxSkew": st.skew(curves),
        "psfFluxStetsonJ": st.stetson_j(curves),
        "psfFluxLinearSlope": slope,
        "psfFluxLinearIntercept": intercept,
    }
    percents = {f"psfFluxPercentile{p:02d}": st.percentile(curves, p) for p in st.PERCENTILES}
    return {**found, **percents}


def mean_columns(curves: Curves, stem: str) -> dict[str, Floats | Ints]:
    """Return mean and its error under ``<stem>Mean``: `scienceFlux`, or `fpFlux` of forced ones."""
    return {f"{stem}Mean": curves.mean, f"{stem}MeanErr": st.mean_error(curves)}
