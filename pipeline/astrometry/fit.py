"""Fit of the world coordinates of an image to matched reference stars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.astrometry.correction import corrected, scaled
from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.linear import Solution, solve
from skyassay.pipeline.astrometry.polynomial import design, terms
from skyassay.pipeline.astrometry.scatter import intrinsic_scatter
from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats, offsets, project
from skyassay.pipeline.astrometry.wcs import SkyWcs

Bools = NDArray[np.bool_]
#: Median of a Rayleigh distribution of unit scale.
_RAYLEIGH = 1.1774100225154747


@dataclass(frozen=True)
class FitConfig:
    """How to fit.

    Attributes
    ----------
    min_stars : int
        Fewer pairs are an error.
    quadratic, cubic : int
        Number of stars from which terms of this order are fitted: about four, six per
        parameter of an axis.
    turn, bend, twist : float
        Prior standard deviations of linear, quadratic and cubic terms about the starting
        WCS, as displacement at the image's edge over half of its size. Wide beside what
        stars say (0.1 deg is 1.7e-3), they keep few or badly placed stars from running away.
    clip : float
        Residuals beyond this many standard errors are left out; 1 in 3000 of good ones is.
    iterations : int
        At most; the set of stars has settled long before.
    """

    min_stars: int = 3
    quadratic: int = 12
    cubic: int = 60
    turn: float = 3e-3
    bend: float = 1e-3
    twist: float = 3e-4
    clip: float = 4.0
    iterations: int = 10

    def order(self, n: int) -> int:
        """Return the order of the polynomial for n stars."""
        return 1 + (n >= self.quadratic) + (n >= self.cubic)


@dataclass(frozen=True)
class WcsFit:
    """A calibrated WCS and how well it is known.

    Attributes
    ----------
    wcs : SkyWcs
    order : int
        Of the fitted polynomial.
    used : ndarray of bool, shape (n,)
        Pairs that were not clipped.
    east, north : ndarray, shape (n,)
        Reference less fitted position, arcsec; also of clipped pairs.
    east_err, north_err : ndarray, shape (n,)
        Standard errors of these as given, without the intrinsic scatter, arcsec.
    intrinsic : float
        Scatter per coordinate beyond the given errors (atmosphere, centroids), arcsec.
    chi2, dof : float, int
        Of both coordinates, the intrinsic scatter among the errors.
    covariance : ndarray, shape (2, k, k)
        Of the coefficients of east and north on the `design` in units of half the image's
        size, arcsec**2.
    """

    wcs: SkyWcs
    order: int
    used: Bools
    east: Floats
    north: Floats
    east_err: Floats
    north_err: Floats
    intrinsic: float
    chi2: float
    dof: int
    covariance: Floats

    @property
    def offset_mean(self) -> float:
        """Mean separation of used pairs, arcsec: Rubin's ``astromOffsetMean``."""
        return float(np.hypot(self.east, self.north)[self.used].mean())

    @property
    def offset_std(self) -> float:
        """Standard deviation of these separations, arcsec: ``astromOffsetStd``."""
        return float(np.hypot(self.east, self.north)[self.used].std(ddof=1))

    def position_error(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """Return standard errors (arcsec) of the fitted east and north at pixels."""
        u, v = scaled(self.wcs.size, np.asarray(x, float), np.asarray(y, float))
        columns = design(u.ravel(), v.ravel(), terms(self.order))
        var = np.einsum("nk,akl,nl->an", columns, self.covariance, columns)
        east, north = np.sqrt(var).reshape(2, *u.shape)
        return east, north

    def table(self) -> dict[str, NDArray[np.float64] | Bools]:
        """Return the residuals as columns: arcsec, and whether the pair was used."""
        return {
            "residualEast": self.east,
            "residualNorth": self.north,
            "residualEastErr": self.east_err,
            "residualNorthErr": self.north_err,
            "used": self.used,
        }


@dataclass(frozen=True)
class _Data:
    """Pairs.

    Pixels and positions (n,); of shape (2, n), arcsec: by how much the gnomonic coordinates
    differ from those of the start, and standard errors.
    """

    x: Floats
    y: Floats
    ra: Floats
    dec: Floats
    target: Floats
    sigma: Floats


def fit_wcs(
    x: ArrayLike,
    y: ArrayLike,
    x_err: ArrayLike,
    y_err: ArrayLike,
    ra: ArrayLike,
    dec: ArrayLike,
    east_err: ArrayLike,
    north_err: ArrayLike,
    start: SkyWcs,
    config: FitConfig | None = None,
) -> WcsFit:
    """Fit a WCS to n pairs of pixels and reference positions.

    Weighted least squares of what the gnomonic coordinates differ from those of `start`, as
    a polynomial with weak priors; where the residuals are larger than the given errors an
    intrinsic scatter joins them, so that the covariance is honest. Outliers are clipped.

    Parameters
    ----------
    x, y, x_err, y_err : array_like, shape (n,)
        Pixels and their standard errors.
    ra, dec : array_like, shape (n,)
        Degrees.
    east_err, north_err : array_like, shape (n,)
        Of the reference stars, arcsec.
    start : SkyWcs
        From the pointing, or an earlier fit.
    config : FitConfig, optional

    Returns
    -------
    WcsFit
        Pairs with anything that is not finite are not used and have NaN residuals.

    Raises
    ------
    AstrometryError
        ``too_few_matches``, ``bad_centroid_errors``.
    """
    config = config or FitConfig()
    columns = [np.asarray(c, float) for c in (x, y, x_err, y_err, ra, dec, east_err, north_err)]
    finite = np.asarray(np.isfinite(columns).all(axis=0), np.bool_)
    _check(int(finite.sum()), config, columns[2][finite], columns[3][finite])
    data = _data(columns, start)
    used, intrinsic = finite, 0.0
    for _ in range(config.iterations):
        solution, order, residual = _step(data, used, intrinsic, start, config)
        before, scatter = used, intrinsic
        used = _kept(residual, data.sigma, intrinsic, finite, config)
        _check(int(used.sum()), config)
        free = float(solution.freedom.sum())
        intrinsic = intrinsic_scatter(residual[:, used], data.sigma[:, used], free)
        if np.array_equal(used, before) and abs(intrinsic - scatter) < 1e-3 * scatter + 1e-5:
            break
    solution, order, _ = _step(data, used, intrinsic, start, config)
    wcs = corrected(start, solution.values, order)
    residual = np.stack(offsets(data.ra, data.dec, *wcs.pixel_to_sky(data.x, data.y)))
    chi2 = (residual**2 / (data.sigma**2 + intrinsic**2))[:, used].sum()
    dof = 2 * int(used.sum()) - round(float(solution.freedom.sum()))
    return WcsFit(
        wcs=wcs,
        order=order,
        used=used,
        east=residual[0],
        north=residual[1],
        east_err=data.sigma[0],
        north_err=data.sigma[1],
        intrinsic=intrinsic,
        chi2=float(chi2),
        dof=dof,
        covariance=solution.covariance,
    )


def _check(n: int, config: FitConfig, *errors: Floats) -> None:
    """Raise what is wrong with the pairs that are left."""
    if n < config.min_stars:
        raise AstrometryError(
            f"{n} pairs of detected and reference stars are too few for a fit.",
            code="too_few_matches",
            hint=f"At least {config.min_stars} are needed; are there stars in the image?",
        )
    if any(np.any(e <= 0) for e in errors):
        raise AstrometryError(
            "Standard errors of centroids must be positive.", code="bad_centroid_errors"
        )


def _data(columns: list[Floats], start: SkyWcs) -> _Data:
    """Return the pairs with errors of centroid and reference together, on the sky."""
    x, y, x_err, y_err, ra, dec, east_err, north_err = columns
    jac = start.jacobian(x, y)
    variance = jac[..., 0] ** 2 * (x_err**2)[:, None] + jac[..., 1] ** 2 * (y_err**2)[:, None]
    reference = np.stack([east_err, north_err])
    wanted = np.stack(project(ra, dec, *start.crval))
    at_start = np.stack(project(*start.pixel_to_sky(x, y), *start.crval))
    sigma = np.sqrt(variance.T + reference**2)
    return _Data(x, y, ra, dec, (wanted - at_start) * ARCSEC, sigma)


def _step(
    data: _Data, used: Bools, intrinsic: float, start: SkyWcs, config: FitConfig
) -> tuple[Solution, int, Floats]:
    """Return the polynomial correction (2, k; arcsec) to the start, its order, residuals."""
    order = config.order(int(used.sum()))
    exponents = terms(order)
    columns = design(*scaled(start.size, data.x, data.y), exponents)
    edge = float(start.pixel_scale(*start.crpix)) * max(start.size) / 2.0
    by_order = np.array([np.inf, config.turn * edge, config.bend * edge, config.twist * edge])
    prior = by_order[[p + q for p, q in exponents]]
    sigma = np.hypot(data.sigma[:, used], intrinsic)
    solution = solve(columns[used], data.target[:, used], sigma, prior)
    return solution, order, data.target - solution.values @ columns.T


def _kept(
    residual: Floats, sigma: Floats, intrinsic: float, finite: Bools, config: FitConfig
) -> Bools:
    """Return which pairs are no outliers, by a scale that half of them could not spoil."""
    with np.errstate(invalid="ignore"):
        distance = np.sqrt((residual**2 / (sigma**2 + intrinsic**2)).sum(axis=0))
        scale = max(float(np.median(distance[finite])) / _RAYLEIGH, 1.0)
        return np.asarray(finite & (distance <= config.clip * scale), np.bool_)
