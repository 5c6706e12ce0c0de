"""Astrometric recalibration: the world coordinates of many exposures from shared stars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from skyassay.pipeline.association.adjustment import Adjusted, adjust, groups, worst_outliers
from skyassay.pipeline.astrometry.correction import corrected, scaled
from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.polynomial import design, terms
from skyassay.pipeline.astrometry.scatter import intrinsic_scatter
from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats, angles, direction, frame, offsets
from skyassay.pipeline.astrometry.wcs import SkyWcs

Table = Mapping[str, NDArray[Any]]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Key = tuple[int, int]
_NEEDED = ("star", "visit", "detector", "x", "y", "xErr", "yErr")
_REFERENCE = ("refRa", "refDec", "refEastErr", "refNorthErr")


@dataclass(frozen=True)
class MultiFitConfig:
    """How to fit.

    Attributes
    ----------
    order : int
        Of the polynomial by which an exposure is corrected.
    prior : tuple of float
        Standard deviation of its terms of orders 0, 1, 2 at the image's edge, arcsec: the
        accuracy of a fit of one image alone to some thirty stars, several times over.
    floor : float
        Error of every coordinate beyond the quoted one, arcsec. What residuals need beyond
        it is found and added.
    clip : float
        Standard errors beyond which the worst measurement of a star is left out.
    iterations : int
        At most.
    """

    order: int = 1
    prior: tuple[float, float, float] = (0.1, 0.1, 0.05)
    floor: float = 0.001
    clip: float = 4.5
    iterations: int = 10


@dataclass(frozen=True)
class MultiFit:
    """What `fit_exposures` found.

    Attributes
    ----------
    wcs : dict
        (visit, detector) to the corrected SkyWcs; all that were given.
    exposures : dict of ndarray
        By visit and detector: ``visit``, ``detector``, ``nStar``, ``group``, ``eastShift``,
        ``northShift`` and their errors ``eastShiftErr``, ``northShiftErr`` (correction at
        the image's centre, arcsec), ``scatter`` (arcsec per coordinate, NaN below 2 stars),
        ``status``: ``calibrated``, ``start_only`` (no stars) or ``no_reference`` (held by
        the given WCS alone, as no star of its group is a reference star).
    stars : dict of ndarray
        ``star``, ``ra``, ``dec`` (deg, adjusted), ``nObs``.
    intrinsic : float
        Scatter per coordinate beyond errors and floor, arcsec.
    chi2_dof : float
        NaN without measurements to spare.
    used : ndarray of bool, shape (n,)
    east, north : ndarray, shape (n,)
        Measured less adjusted position, arcsec; NaN for rows that did not take part.
    """

    wcs: dict[Key, SkyWcs]
    exposures: dict[str, NDArray[Any]]
    stars: dict[str, NDArray[Any]]
    intrinsic: float
    chi2_dof: float
    used: Bools
    east: Floats
    north: Floats


@dataclass(frozen=True)
class _Rows:
    """Measurements that take part; of shape (2, n): east and north of the star's mean."""

    row: Ints
    total: int
    ids: NDArray[Any]
    star: Ints
    exposure: Ints
    keys: list[Key]
    place: Floats
    offset: Floats
    sigma: Floats
    known: Floats
    known_sigma: Floats
    columns: csr_array
    prior: Floats


def fit_exposures(
    rows: Table, wcs: Mapping[Key, SkyWcs], config: MultiFitConfig | None = None
) -> MultiFit:
    """Refine the WCS of all exposures together.

    Least squares of position(star) = position by the given WCS + polynomial(exposure), for
    all stars and exposures at once, with reference positions as further measurements: mean
    places and exposures, which an iteration would find by turns, are solved for together.

    Parameters
    ----------
    rows : mapping of ndarray, shape (n,)
        ``star``, ``visit``, ``detector``, ``x``, ``y``, ``xErr``, ``yErr`` (pixels); of
        reference stars also ``refRa``, ``refDec`` (deg, at the exposure's epoch) and
        ``refEastErr``, ``refNorthErr`` (arcsec), NaN for others. Their motion from epoch to
        epoch is taken out; that of other stars is not known.
    wcs : mapping
        (visit, detector) to the WCS of every exposure.
    config : MultiFitConfig, optional

    Raises
    ------
    AstrometryError
        ``bad_multifit_input``.
    """
    config = config or MultiFitConfig()
    data = _rows(rows, wcs, config)
    n_stars = len(data.ids)

    def solve(used: Bools, extra: float) -> Adjusted:
        sigma = np.sqrt(data.sigma**2 + config.floor**2 + extra**2)[:, used].ravel()
        both = np.concatenate([data.star[used], data.star[used] + n_stars])
        pick = np.flatnonzero(np.tile(used, 2))
        return adjust(
            data.offset[:, used].ravel(),
            sigma,
            both,
            2 * n_stars,
            csr_array(data.columns[pick]),
            np.zeros(len(data.prior)),
            data.prior,
            data.known.ravel(),
            data.known_sigma.ravel(),
        )

    used, extra = np.ones(len(data.row), np.bool_), 0.0
    for _ in range(config.iterations):
        done = solve(used, extra)
        residual = done.residual.reshape(2, -1)
        known = np.hypot(data.sigma[:, used], config.floor)
        worst = np.zeros(int(used.sum()), np.bool_)
        for axis in (0, 1):
            spread = done.star_variances.reshape(2, n_stars)[axis]
            now = np.hypot(known[axis], extra)
            args = data.star[used], data.exposure[used], spread, config.clip
            worst |= worst_outliers(residual[axis], now, *args)
        before = extra
        extra = intrinsic_scatter(residual[:, ~worst], known[:, ~worst], done.freedom)
        used[np.flatnonzero(used)[worst]] = False
        if not worst.any() and abs(extra - before) < 1e-5:
            break
    return _result(data, solve(used, extra), used, extra, wcs, config)


def _rows(rows: Table, wcs: Mapping[Key, SkyWcs], config: MultiFitConfig) -> _Rows:
    """Return the measurements on the sky, with numbers of stars and exposures from 0."""
    missing = [name for name in _NEEDED if name not in rows]
    if missing:
        raise _bad(f"The measurements lack {', '.join(missing)}.")
    keys = sorted(wcs)
    number = {key: k for k, key in enumerate(keys)}
    named = zip(
        np.asarray(rows["visit"]).tolist(), np.asarray(rows["detector"]).tolist(), strict=True
    )
    exposure = np.array([number.get(key, -1) for key in named], np.int64)
    if np.any(exposure < 0):
        raise _bad(f"{(exposure < 0).sum()} measurements are of exposures without a WCS.")
    x, y, x_err, y_err = (np.asarray(rows[k], float) for k in ("x", "y", "xErr", "yErr"))
    with np.errstate(invalid="ignore"):
        good = np.isfinite([x, y, x_err, y_err]).all(axis=0) & (x_err > 0) & (y_err > 0)
    row = np.flatnonzero(good)
    exposure = exposure[row]
    pixels = np.stack([x, y, x_err, y_err])[:, row]
    place, jac = np.empty((2, len(row))), np.empty((len(row), 2, 2))
    for k, key in enumerate(keys):
        mine = exposure == k
        place[:, mine] = wcs[key].pixel_to_sky(*pixels[:2, mine])
        jac[mine] = wcs[key].jacobian(*pixels[:2, mine])
    ids, star = np.unique(np.asarray(rows["star"])[row], return_inverse=True)
    star = np.asarray(star, np.int64)
    mean, offset, known, known_sigma = _places(rows, row, place, star, len(ids))
    sigma = np.sqrt(((jac * pixels[2:].T[:, None, :]) ** 2).sum(axis=2)).T
    columns, prior = _columns(pixels, exposure, [wcs[k] for k in keys], mean[:, star], config)
    return _Rows(
        row,
        len(x),
        ids,
        star,
        exposure,
        keys,
        mean,
        offset,
        sigma,
        known,
        known_sigma,
        columns,
        prior,
    )


def _bad(message: str) -> AstrometryError:
    return AstrometryError(
        message,
        code="bad_multifit_input",
        hint="Give star, visit, detector, x, y, xErr, yErr, and a WCS of each exposure.",
    )


def _places(
    rows: Table, row: Ints, place: Floats, star: Ints, n: int
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean places (2, n; deg), offsets from them, and reference offsets with errors."""
    mean = np.stack(_mean(place, star, n))
    offset = np.stack(offsets(*place, *mean[:, star]))
    known, known_sigma = np.zeros((2, n)), np.full((2, n), np.inf)
    if all(name in rows for name in _REFERENCE):
        ref = np.stack([np.asarray(rows[name], float)[row] for name in _REFERENCE])
        has = np.isfinite(ref).all(axis=0) & (ref[2:] > 0).all(axis=0)
        at = np.stack(offsets(*ref[:2, has], *mean[:, star[has]]))
        count = np.bincount(star[has], minlength=n)
        some = count > 0
        for axis in (0, 1):
            total = np.bincount(star[has], at[axis], n)
            known[axis] = total / np.maximum(count, 1)
            error = np.bincount(star[has], ref[2 + axis, has], n) / np.maximum(count, 1)
            known_sigma[axis] = np.where(some, error, np.inf)
            # To the mean epoch of the star's measurements.
            offset[axis, has] -= at[axis] - known[axis, star[has]]
    return mean, offset, known, known_sigma


def _mean(place: Floats, star: Ints, n: int) -> tuple[Floats, Floats]:
    """Return the mean places of stars, deg."""
    vectors = direction(*place)
    return angles(np.stack([np.bincount(star, v, n).astype(float) for v in vectors]))


def _columns(
    pixels: Floats, exposure: Ints, wcs: list[SkyWcs], at: Floats, config: MultiFitConfig
) -> tuple[csr_array, Floats]:
    """Return the terms (2 n, parameters) and priors; parameters by exposure, axis, term.

    Corrections are along the axes of the exposure's tangent plane, offsets along those at
    the star; near a pole these are turned to each other.
    """
    exponents = terms(config.order)
    k, n = len(exponents), pixels.shape[1]
    values = np.empty((n, k))
    turn = np.empty((2, 2, n))
    _, *star_axes = frame(*at)
    for number, item in enumerate(wcs):
        mine = exposure == number
        values[mine] = design(*scaled(item.size, *pixels[:2, mine]), exponents)
        _, *axes = frame(*item.crval)
        for i in (0, 1):
            for j in (0, 1):
                turn[i, j, mine] = axes[j] @ star_axes[i][:, mine]
    parts = [(i, j, m) for i in (0, 1) for j in (0, 1) for m in range(k)]
    # star = measured + correction, so that measured = star - correction.
    data = np.concatenate([turn[i, j] * values[:, m] for i, j, m in parts])
    row = np.concatenate([np.arange(n) + i * n for i, _, _ in parts])
    column = np.concatenate([exposure * 2 * k + j * k + m for _, j, m in parts])
    prior = np.tile([config.prior[p + q] for p, q in exponents], 2 * len(wcs))
    matrix = coo_array((data, (row, column)), shape=(2 * n, len(prior)))
    return csr_array(matrix), prior


def _result(
    data: _Rows,
    done: Adjusted,
    used: Bools,
    extra: float,
    wcs: Mapping[Key, SkyWcs],
    config: MultiFitConfig,
) -> MultiFit:
    """Return the corrected WCS and the tables."""
    n, m, k = len(data.keys), len(data.ids), len(terms(config.order))
    values = done.parameters.reshape(n, 2, k)
    errors = np.sqrt(done.variances.reshape(n, 2, k)[:, :, 0])
    residual = np.full((2, data.total), np.nan)
    residual[:, data.row[used]] = done.residual.reshape(2, -1)
    exposure, chosen = data.exposure[used], np.zeros(data.total, np.bool_)
    chosen[data.row[used]] = True
    count = np.bincount(exposure, minlength=n)
    square = np.bincount(exposure, (done.residual.reshape(2, -1) ** 2).mean(axis=0), n)
    label = groups(data.star[used], exposure, m, n)
    anchored = np.zeros(int(label.max(initial=-1)) + 1, np.bool_)
    anchored[label[exposure[np.isfinite(data.known_sigma[0])[data.star[used]]]]] = True
    status = np.where(anchored[label], "calibrated", "no_reference")
    shift = done.stars.reshape(2, m) / ARCSEC
    ra, dec = _moved(data.place, shift)
    sigma2 = (data.sigma[:, used] ** 2 + config.floor**2 + extra**2).ravel()
    dof = done.residual.size - done.freedom
    chi2 = float((done.residual**2 / sigma2).sum())
    return MultiFit(
        wcs={key: corrected(wcs[key], values[i], config.order) for i, key in enumerate(data.keys)},
        exposures={
            "visit": np.array([key[0] for key in data.keys], np.int64),
            "detector": np.array([key[1] for key in data.keys], np.int64),
            "nStar": count,
            "group": label,
            "eastShift": values[:, 0, 0],
            "northShift": values[:, 1, 0],
            "eastShiftErr": errors[:, 0],
            "northShiftErr": errors[:, 1],
            "scatter": np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), np.nan),
            "status": np.where(count > 0, status, "start_only"),
        },
        stars={
            "star": data.ids,
            "ra": ra,
            "dec": dec,
            "nObs": np.bincount(data.star[used], minlength=m),
        },
        intrinsic=extra,
        chi2_dof=chi2 / dof if dof >= 1 else float("nan"),
        used=chosen,
        east=residual[0],
        north=residual[1],
    )


def _moved(place: Floats, shift: Floats) -> tuple[Floats, Floats]:
    """Return places (2, n; deg) moved east and north by degrees."""
    p, east, north = frame(*place)
    return angles(p + np.radians(shift[0]) * east + np.radians(shift[1]) * north)
