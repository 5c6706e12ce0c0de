"""Zero point of an image against reference stars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.astrometry.scatter import intrinsic_scatter
from skyassay.pipeline.photocal.errors import PhotocalError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Magnitudes per relative change of flux: 2.5 / ln 10.
POGSON = 1.0857362047581294
#: AB magnitude of 1 nJy.
NJY_ZERO = 31.4
#: Median absolute value of a unit normal, inverse.
_SIGMA_OF_MEDIAN = 1.4826022185056018


@dataclass(frozen=True)
class ZeroPointConfig:
    """Which stars count and how.

    Attributes
    ----------
    min_snr : float
        Smallest flux over its error.
    floor : float
        Relative error of every flux beyond the quoted one (flat field, aperture correction),
        mag.
    clip : float
        Residuals beyond this many standard errors are left out; 1 in 16 000 of good ones is.
    min_stars : int
        Fewer are an error.
    iterations : int
        At most.
    """

    min_snr: float = 20.0
    floor: float = 0.0
    clip: float = 4.0
    min_stars: int = 1
    iterations: int = 20


@dataclass(frozen=True)
class ZeroPoint:
    """mag = zeroPoint - 2.5 log10(instFlux).

    Attributes
    ----------
    value, error : float
        Magnitude and its standard error.
    n_used, n_clipped : int
    scatter : float
        Standard deviation of the used residuals (weighted), mag; NaN for one star.
    intrinsic : float
        What of it the given errors do not explain, mag.
    chi2 : float
        Of the used residuals, without intrinsic scatter.
    residual : ndarray, shape (n,)
        Measured less reference magnitude of all stars to first order in the flux, mag; NaN
        where a star could not count.
    used : ndarray of bool, shape (n,)
    rejected : dict of int
        Number of stars by the first reason that kept them out.
    """

    value: float
    error: float
    n_used: int
    n_clipped: int
    scatter: float
    intrinsic: float
    chi2: float
    residual: Floats
    used: Bools
    rejected: dict[str, int]


def fit_zero_point(
    flux: ArrayLike,
    flux_err: ArrayLike,
    mag: ArrayLike,
    mag_err: ArrayLike,
    *,
    flagged: ArrayLike | None = None,
    colour: ArrayLike | None = None,
    colour_term: float = 0.0,
    config: ZeroPointConfig | None = None,
) -> ZeroPoint:
    """Return the zero point of n stars matched with reference stars.

    The weighted mean of flux over predicted flux, in which noise is symmetric: magnitudes of
    noisy fluxes are too faint by sigma**2 / 2, and weights by the measured flux favour upward
    fluctuations. The start is the median; residuals are clipped and an intrinsic scatter is
    added to the errors where they are too small.

    Parameters
    ----------
    flux, flux_err : array_like, shape (n,)
        Electrons in the whole exposure, in the standard aperture.
    mag, mag_err : array_like, shape (n,)
        Reference AB magnitudes in the band and their errors.
    flagged : array_like of bool, optional
        Stars not to use.
    colour : array_like, optional
        Reference colour less that for which the zero point holds, mag. Stars without one are
        not used.
    colour_term : float
        Instrumental less reference magnitude per colour.
    config : ZeroPointConfig, optional

    Raises
    ------
    PhotocalError
        ``no_reference_stars``.
    """
    config = config or ZeroPointConfig()
    f, err, m, m_err = (np.asarray(w, float) for w in (flux, flux_err, mag, mag_err))
    shift = np.zeros(f.size) if colour is None else colour_term * np.asarray(colour, float)
    good, rejected = _good(f, err, m + shift, m_err, flagged, config)
    if good.sum() < config.min_stars:
        raise _no_stars(f.size, int(good.sum()), rejected, config)
    # Expected flux at zero point 0, and what belongs to it whatever the zero point.
    unit = 10.0 ** (-0.4 * (m + shift))
    used, extra = good.copy(), config.floor
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(np.median(-2.5 * np.log10(unit[good] / f[good])))
        for _ in range(config.iterations):
            ratio, sigma = _relative(f, err, m_err, unit, value)
            before = used, value
            weight = 1.0 / (sigma[used] ** 2 + extra**2)
            value += POGSON * float((weight * ratio[used]).sum() / weight.sum())
            ratio, sigma = _relative(f, err, m_err, unit, value)
            used = _kept(ratio, np.hypot(sigma, extra), good, config)
            known = np.hypot(sigma[used], config.floor)
            extra = np.hypot(config.floor, intrinsic_scatter(ratio[used], known, 1.0))
            if np.array_equal(used, before[0]) and abs(value - before[1]) < 1e-7:
                break
    rejected["clipped"] = int(good.sum() - used.sum())
    return _result(value, ratio, sigma, float(extra), used, good, rejected, config)


def _relative(
    f: Floats, err: Floats, m_err: Floats, unit: Floats, value: float
) -> tuple[Floats, Floats]:
    """Return flux over expected flux less 1, and its standard error."""
    expected = unit * 10.0 ** (0.4 * value)
    return f / expected - 1.0, np.hypot(err / expected, m_err / POGSON)


def _kept(ratio: Floats, sigma: Floats, good: Bools, config: ZeroPointConfig) -> Bools:
    """Return which stars are no outliers, by a scale that half of them could not spoil."""
    pull = np.abs(ratio / sigma)
    scale = max(float(np.median(pull[good])) * _SIGMA_OF_MEDIAN, 1.0)
    return np.asarray(good & (pull <= config.clip * scale), np.bool_)


def _good(
    f: Floats,
    err: Floats,
    m: Floats,
    m_err: Floats,
    flagged: ArrayLike | None,
    config: ZeroPointConfig,
) -> tuple[Bools, dict[str, int]]:
    """Return which stars can count, and how many cannot by the first reason."""
    bad = np.zeros(f.size, bool) if flagged is None else np.asarray(flagged, bool)
    with np.errstate(invalid="ignore"):
        reasons = {
            "flagged": bad,
            "no_flux": ~(np.isfinite(f) & np.isfinite(err) & (err > 0)),
            "no_reference_mag": ~(np.isfinite(m) & np.isfinite(m_err) & (m_err >= 0)),
            "low_snr": ~(f >= config.min_snr * err),
        }
    good, rejected = np.ones(f.size, np.bool_), {}
    for name, mask in reasons.items():
        rejected[name] = int((good & mask).sum())
        good &= ~mask
    return good, rejected


def _no_stars(
    n: int, good: int, rejected: dict[str, int], config: ZeroPointConfig
) -> PhotocalError:
    why = ", ".join(f"{name} {count}" for name, count in rejected.items() if count) or "none given"
    return PhotocalError(
        f"{good} of {n} matched stars can give a zero point; {config.min_stars} are needed "
        f"({why}).",
        code="no_reference_stars",
        hint="Does the reference catalogue have this band here, and is the image not saturated?",
    )


def _result(
    value: float,
    ratio: Floats,
    sigma: Floats,
    extra: float,
    used: Bools,
    good: Bools,
    rejected: dict[str, int],
    config: ZeroPointConfig,
) -> ZeroPoint:
    """Return the zero point with its diagnostics."""
    weight = 1.0 / (sigma[used] ** 2 + extra**2)
    n = int(used.sum())
    square = float((weight * ratio[used] ** 2).sum() / weight.sum())
    known = sigma[used] ** 2 + config.floor**2
    return ZeroPoint(
        value=value,
        error=POGSON / float(np.sqrt(weight.sum())),
        n_used=n,
        n_clipped=rejected["clipped"],
        scatter=POGSON * float(np.sqrt(square * n / (n - 1))) if n > 1 else float("nan"),
        intrinsic=POGSON * float(np.sqrt(max(extra**2 - config.floor**2, 0.0))),
        chi2=float((ratio[used] ** 2 / known).sum()),
        residual=np.where(good, -POGSON * ratio, np.nan),
        used=used,
        rejected=rejected,
    )
