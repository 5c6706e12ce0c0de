"""Photon transfer: gain, read noise and saturation from pairs of flats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u
from astropy.table import Table
from numpy.typing import NDArray

from skyassay.pipeline.calibs.errors import CalibError, need
from skyassay.pipeline.calibs.ramp import Ramp, measure_ramp, saturation, usable
from skyassay.pipeline.instrument.camera import Detector
from skyassay.pipeline.instrument.raw import RawFrame
from skyassay.pipeline.isr.calibrations import Calibrations

#: The curvature is kept where it is this many sigma from zero; it costs precision of the gain.
CURVED = 4.0
ROUNDS = 3


@dataclass(frozen=True)
class Transfer:
    """Photon transfer of one amplifier.

    Attributes
    ----------
    gain, gain_error : float
        Electrons per ADU.
    curvature : float
        Of the variance against the mean, ADU^0 (ADU^2 per ADU^2); 0 where not significant.
    chi2 : float
        Per degree of freedom; NaN with none.
    """

    gain: float
    gain_error: float
    curvature: float
    chi2: float


def fit_transfer(
    mean: NDArray[np.float64], variance: NDArray[np.float64], noise: float, n_pixel: int
) -> Transfer:
    """Return gain and curvature from ``variance = noise^2 + mean / gain + curvature mean^2``.

    Weighted least squares with the relative error sqrt(2 / (n - 1)) of a variance of n pixels,
    taken of the model; the read noise is fixed to that of the overscan, which is known better
    than the intercept (Janesick 2007, Photon Transfer, ch. 5; curvature: Astier et al. 2019,
    A&A 629, A36, eq. 16 to second order).

    Parameters
    ----------
    mean, variance : ndarray, shape (n,)
        ADU, ADU^2.
    noise : float
        Read noise, ADU.
    n_pixel : int
    """
    shot = variance - noise**2
    model = variance
    straight = curved = (np.zeros(1), np.zeros((1, 1)), 0.0)
    for _ in range(ROUNDS):
        weight = 1.0 / (model * np.sqrt(2.0 / max(n_pixel - 1, 1)))
        straight = _solve(mean[:, None], shot, weight)
        model = noise**2 + mean * straight[0][0]
        if mean.size > 2:
            curved = _solve(np.stack([mean, mean**2], axis=1), shot, weight)
            model = model if not _significant(curved) else noise**2 + (
                mean * curved[0][0] + mean**2 * curved[0][1]
            )  # fmt: skip
    best = curved if mean.size > 2 and _significant(curved) else straight
    slope, error = best[0][0], np.sqrt(best[1][0, 0])
    free = mean.size - best[0].size
    gain = 1.0 / slope if slope > 0 else np.nan
    chi2 = best[2] / free if free > 0 else np.nan
    bend = best[0][1] if best[0].size > 1 else 0.0
    return Transfer(float(gain), float(gain**2 * error), float(bend), float(chi2))


Fit = tuple[NDArray[np.float64], NDArray[np.float64], float]


def _solve(
    columns: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64]
) -> Fit:
    """Return weighted least squares: values, covariance, chi-square."""
    scale = np.abs(columns).max(axis=0)
    a = columns / scale * weight[:, None]
    covariance = np.linalg.pinv(a.T @ a)
    values = covariance @ (a.T @ (y * weight))
    chi2 = float(np.sum((a @ values - y * weight) ** 2))
    return values / scale, covariance / np.outer(scale, scale), chi2


def _significant(fit: Fit) -> bool:
    return bool(abs(fit[0][1]) > CURVED * np.sqrt(fit[1][1, 1]))


def turnoff(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Return the counts where the variance is largest if it falls after that, else NaN, ADU."""
    good = np.isfinite(mean) & np.isfinite(variance)
    if good.sum() < 2:
        return float("nan")
    m, v = mean[good], variance[good]
    order = np.argsort(m)
    m, v = m[order], v[order]
    k = int(np.argmax(v))
    # A tenth below the top is beyond the noise of any amplifier's variance.
    return float(m[k]) if k < m.size - 1 and v[k + 1 :].min() < 0.9 * v[k] else float("nan")


def build_ptc(
    raws: Sequence[RawFrame], detector: Detector, calibs: Calibrations
) -> tuple[Table, dict[str, Any]]:
    """Return the photon transfer table of a detector from a ramp of flat pairs.

    Parameters
    ----------
    raws : sequence of RawFrame
    detector : Detector
    calibs : Calibrations
        Bias; linearizer and crosstalk where they are known (a curved response bends the
        variance and with it the gain).

    Returns
    -------
    Table
        amplifier, gain and gainErr (electron/adu), readNoise and readNoiseErr (electron),
        saturation and turnoff (adu; NaN where the ramp does not reach it), curvature, chi2,
        nPairs, status: ``ok``, ``single_pair`` (no check of the fit), ``no_pairs``,
        ``no_gain``; gain and read noise are NaN with the last two.
    dict
        ``nPairs``, ``medianGain``, ``worstChi2``.

    Raises
    ------
    CalibError
        ``no_frames``; ``no_gain`` where no amplifier has one.
    """
    need(len(raws), 1, "flat frames")
    ramp = measure_ramp(raws, detector, calibs)
    rows = [_row(ramp, amp.index, amp.name) for amp in detector.amplifiers]
    table = Table(rows=rows)
    for name in ("gain", "gainErr"):
        table[name].unit = u.electron / u.adu
    for name in ("readNoise", "readNoiseErr"):
        table[name].unit = u.electron
    for name in ("saturation", "turnoff"):
        table[name].unit = u.adu
    good = np.isfinite(np.asarray(table["gain"]))
    if not good.any():
        raise CalibError(
            f"No amplifier of detector {detector.name} has a gain.",
            code="no_gain",
            hint="Photon transfer needs pairs of equal, unsaturated flats.",
        )
    chi2 = np.asarray(table["chi2"])[good]
    worst = float(np.nanmax(chi2)) if np.isfinite(chi2).any() else float("nan")
    return table, {
        "nPairs": int(np.isfinite(ramp.variance).any(axis=0).sum()),
        "medianGain": float(np.median(np.asarray(table["gain"])[good])),
        "worstChi2": worst,
    }


def _row(ramp: Ramp, index: int, name: str) -> dict[str, Any]:
    """Fit one amplifier."""
    full = saturation(ramp, index)
    top = turnoff(ramp.mean[index], ramp.variance[index])
    keep = usable(ramp, index, full) & np.isfinite(ramp.variance[index])
    if np.isfinite(top):
        keep &= ramp.mean[index] <= top
    n = int(keep.sum())
    noise = float(ramp.noise[index])
    fit = Transfer(np.nan, np.nan, np.nan, np.nan)
    if n > 0 and noise > 0:
        fit = fit_transfer(ramp.mean[index][keep], ramp.variance[index][keep], noise, ramp.n_pixel)
    status = "no_pairs" if n == 0 else "no_gain" if not np.isfinite(fit.gain) else "ok"
    if status == "ok" and n == 1:
        status = "single_pair"
    return {
        "amplifier": name,
        "gain": fit.gain,
        "gainErr": fit.gain_error,
        "readNoise": fit.gain * noise,
        "readNoiseErr": fit.gain_error * noise,
        "saturation": full,
        "turnoff": top,
        "curvature": fit.curvature,
        "chi2": fit.chi2,
        "nPairs": n,
        "status": status,
    }
