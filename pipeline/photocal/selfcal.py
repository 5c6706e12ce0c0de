"""Photometric self-calibration: zero points of many exposures from the stars they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from skyassay.pipeline.association.adjustment import Adjusted, adjust, groups, worst_outliers
from skyassay.pipeline.astrometry.polynomial import design, terms
from skyassay.pipeline.astrometry.scatter import intrinsic_scatter
from skyassay.pipeline.photocal.errors import PhotocalError
from skyassay.pipeline.photocal.zero_point import POGSON
from skyassay.pipeline.products.errors import ProductError

Table = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SelfCalConfig:
    """How to calibrate.

    Attributes
    ----------
    floor : float
        Error of every measurement beyond the quoted one, mag. What residuals need beyond it
        is found and added.
    min_snr : float
        Fainter measurements do not take part.
    clip : float
        Standard errors beyond which the worst measurement of a star is left out.
    iterations : int
        At most.
    spatial_order : int
        Order of a polynomial over the focal plane per visit, 0 for none.
    spatial_prior : float
        Standard deviation of its terms at the edge of the field, mag: thin cloud over 3.5 deg.
    """

    floor: float = 0.001
    min_snr: float = 25.0
    clip: float = 4.5
    iterations: int = 10
    spatial_order: int = 0
    spatial_prior: float = 0.01


@dataclass(frozen=True)
class Group:
    """Exposures whose relative zero points the stars determine.

    Attributes
    ----------
    name : str
    exposures, stars : int
    anchored : bool
        Whether anything ties them to the reference magnitudes.
    """

    name: str
    exposures: int
    stars: int
    anchored: bool


@dataclass(frozen=True)
class SelfCalibration:
    """What `self_calibrate` found.

    Attributes
    ----------
    zero_points : dict of ndarray
        By visit and detector: ``visit``, ``detector``, ``zeroPoint``, ``zeroPointErr`` (mag;
        NaN where the status is ``unanchored``), ``nStar``, ``nClipped``, ``scatter`` (mag,
        standard deviation of residuals; NaN below 2 stars), ``group``, ``status``:
        ``calibrated``, ``reference_only`` (no stars of its own) or ``unanchored``.
    spatial : dict of ndarray
        By visit: ``visit`` and the terms ``x1y0`` ... , mag at the edge of the field; empty
        without.
    groups : tuple of Group
    intrinsic : float
        Scatter beyond errors and floor, mag.
    chi2_dof : float
        Of the used measurements, the intrinsic scatter among the errors; NaN without any to
        spare.
    used : ndarray of bool, shape (n,)
        Which rows took part and were not clipped.
    residual : ndarray, shape (n,)
        Measured less mean magnitude, mag; NaN for rows that did not take part.
    """

    zero_points: dict[str, NDArray[Any]]
    spatial: dict[str, NDArray[Any]]
    groups: tuple[Group, ...]
    intrinsic: float
    chi2_dof: float
    used: Bools
    residual: Floats


def self_calibrate(
    star: ArrayLike,
    visit: ArrayLike,
    detector: ArrayLike,
    flux: ArrayLike,
    flux_err: ArrayLike,
    anchors: Table,
    *,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    reference: Table | None = None,
    config: SelfCalConfig | None = None,
) -> SelfCalibration:
    """Calibrate the exposures of one band.

    Least squares of -2.5 log10(flux) = mag(star) - zeroPoint(visit, detector) - a smooth term,
    with the reference zero points (and, where given, reference magnitudes) as further
    measurements.

    Parameters
    ----------
    star, visit, detector : array_like of int, shape (n,)
    flux, flux_err : array_like, shape (n,)
        Electrons in the whole exposure, in the standard aperture.
    anchors : mapping of ndarray, shape (k,)
        ``visit``, ``detector``, ``zeroPoint``, ``zeroPointErr``: every exposure, once; without
        a reference zero point NaN. Reference stars that several exposures share make their
        zero points wrong together; quoted errors then fall too fast with the number of visits.
        Give `reference` instead, with NaN here, where that matters.
    x, y : array_like, shape (n,), optional
        Field angle, degrees, of a fit with a smooth term.
    reference : mapping of ndarray, optional
        ``star``, ``mag``, ``magErr``.
    config : SelfCalConfig, optional

    Raises
    ------
    PhotocalError
        ``bad_self_calibration_input``.
    """
    config = config or SelfCalConfig()
    rows = _rows(star, visit, detector, flux, flux_err, anchors, config)
    known, known_sigma = _known(rows, reference)
    label = groups(rows.star, rows.exposure, len(rows.ids), rows.n)
    free = np.isfinite(rows.prior)
    free[np.unique(rows.exposure[np.isfinite(known_sigma)[rows.star]])] = True
    anchored = np.zeros(int(label.max(initial=-1)) + 1, np.bool_)
    anchored[label[free]] = True
    take = anchored[label[rows.exposure]]
    columns, prior = _columns(rows, x, y, config)
    mean = np.concatenate([rows.mean, np.zeros(len(prior) - rows.n)])
    # An exposure without an anchored group takes no part: held where it is, told as NaN.
    prior[: rows.n][~anchored[label]] = 1.0

    def solve(used: Bools, extra: float) -> Adjusted:
        sigma = np.sqrt(rows.sigma**2 + config.floor**2 + extra**2)[used]
        part = csr_array(columns[np.flatnonzero(used)])
        args = rows.mag[used], sigma, rows.star[used], len(rows.ids), part, mean, prior
        return adjust(*args, known, known_sigma)

    used, extra, done = _iterate(solve, rows, take, config)
    return _result(rows, done, used, extra, label, anchored, config)


@dataclass(frozen=True)
class _Rows:
    """Measurements that take part, and the n exposures."""

    row: Ints
    total: int
    ids: NDArray[Any]
    star: Ints
    exposure: Ints
    mag: Floats
    sigma: Floats
    visit: Ints
    detector: Ints
    mean: Floats
    prior: Floats

    @property
    def n(self) -> int:
        return len(self.visit)


def _rows(
    star: ArrayLike,
    visit: ArrayLike,
    detector: ArrayLike,
    flux: ArrayLike,
    flux_err: ArrayLike,
    anchors: Table,
    config: SelfCalConfig,
) -> _Rows:
    """Return the measurements with numbers of stars and exposures from 0."""
    missing = {"visit", "detector", "zeroPoint", "zeroPointErr"} - set(anchors)
    if missing:
        raise _bad(f"The reference zero points lack {', '.join(sorted(missing))}.")
    a_visit, a_detector = (np.asarray(anchors[k], np.int64) for k in ("visit", "detector"))
    order = np.lexsort((a_detector, a_visit))
    keys = np.stack([a_visit, a_detector])[:, order]
    if keys.shape[1] and np.any(np.all(keys[:, 1:] == keys[:, :-1], axis=0)):
        raise _bad("An exposure has two reference zero points.")
    f, err = np.asarray(flux, float), np.asarray(flux_err, float)
    with np.errstate(invalid="ignore"):
        row = np.flatnonzero(np.isfinite(f) & (err > 0) & (f >= config.min_snr * err))
    exposure = lookup(keys, np.asarray(visit, np.int64)[row], np.asarray(detector, np.int64)[row])
    if np.any(exposure < 0):
        raise _bad(f"{(exposure < 0).sum()} measurements are of exposures without an anchor row.")
    ids, number = np.unique(np.asarray(star)[row], return_inverse=True)
    mean = np.asarray(anchors["zeroPoint"], float)[order]
    error = np.asarray(anchors["zeroPointErr"], float)[order]
    known = np.isfinite(mean) & np.isfinite(error) & (error > 0)
    start = float(np.median(mean[known])) if known.any() else 0.0
    return _Rows(
        row=row,
        total=f.size,
        ids=ids,
        star=np.asarray(number, np.int64),
        exposure=exposure,
        mag=-2.5 * np.log10(f[row]),
        sigma=POGSON * err[row] / f[row],
        visit=keys[0],
        detector=keys[1],
        mean=np.where(known, mean, start),
        prior=np.where(known, error, np.inf),
    )


def lookup(keys: Ints, visit: Ints, detector: Ints) -> Ints:
    """Return the column of sorted keys (2, k) that each (visit, detector) is; -1 for none."""
    both = np.concatenate([keys, np.stack([visit, detector])], axis=1)
    _, number = np.unique(both, axis=1, return_inverse=True)
    number = np.asarray(number).ravel()
    place = np.full(int(number.max(initial=-1)) + 1, -1, np.int64)
    place[number[: keys.shape[1]]] = np.arange(keys.shape[1])
    return np.asarray(place[number[keys.shape[1] :]], np.int64)


def _bad(message: str) -> ProductError:
    return PhotocalError(
        message,
        code="bad_self_calibration_input",
        hint="Give one row of visit, detector, zeroPoint and zeroPointErr per exposure.",
    )


def _known(rows: _Rows, reference: Table | None) -> tuple[Floats, Floats]:
    """Return reference magnitudes of the stars and their errors, infinite for none."""
    mag, err = np.zeros(len(rows.ids)), np.full(len(rows.ids), np.inf)
    if reference is not None and len(rows.ids):
        ids = np.asarray(reference["star"])
        at = np.minimum(np.searchsorted(rows.ids, ids), len(rows.ids) - 1)
        m, e = (np.asarray(reference[name], float) for name in ("mag", "magErr"))
        good = (rows.ids[at] == ids) & np.isfinite(m) & np.isfinite(e) & (e > 0)
        mag[at[good]], err[at[good]] = m[good], e[good]
    return mag, err


def _columns(
    rows: _Rows, x: ArrayLike | None, y: ArrayLike | None, config: SelfCalConfig
) -> tuple[csr_array, Floats]:
    """Return the terms (measurements, parameters) and the parameters' priors."""
    n, count = rows.n, len(rows.row)
    data, columns = [np.ones(count)], [rows.exposure]
    prior = rows.prior.copy()
    if config.spatial_order:
        if x is None or y is None:
            raise _bad("A smooth term needs the places of the measurements in the field.")
        u, v = (np.asarray(w, float)[rows.row] for w in (x, y))
        edge = float(np.hypot(u, v).max(initial=0.0)) or 1.0
        exponents = terms(config.spatial_order, 1)
        visits, index = np.unique(rows.visit, return_inverse=True)
        values = design(u / edge, v / edge, exponents)
        for k in range(len(exponents)):
            data.append(values[:, k])
            columns.append(n + index[rows.exposure] * len(exponents) + k)
        prior = np.append(prior, np.full(len(visits) * len(exponents), config.spatial_prior))
    where = np.tile(np.arange(count), len(data)), np.concatenate(columns)
    matrix = coo_array((np.concatenate(data), where), shape=(count, len(prior)))
    return csr_array(matrix), prior


def _iterate(
    solve: Any, rows: _Rows, take: Bools, config: SelfCalConfig
) -> tuple[Bools, float, Adjusted]:
    """Return which measurements are used, the intrinsic scatter and the solution."""
    used, extra = take.copy(), 0.0
    for _ in range(config.iterations):
        done = solve(used, extra)
        known = np.sqrt(rows.sigma[used] ** 2 + config.floor**2)
        now = np.hypot(known, extra)
        worst = worst_outliers(
            done.residual,
            now,
            rows.star[used],
            rows.exposure[used],
            done.star_variances,
            config.clip,
        )
        before, extra = extra, intrinsic_scatter(done.residual[~worst], known[~worst], done.freedom)
        used[np.flatnonzero(used)[worst]] = False
        if not worst.any() and abs(extra - before) < 1e-5:
            break
    return used, extra, solve(used, extra)


def _result(
    rows: _Rows,
    done: Adjusted,
    used: Bools,
    extra: float,
    label: Ints,
    anchored: Bools,
    config: SelfCalConfig,
) -> SelfCalibration:
    """Return the tables."""
    n, exposure = rows.n, rows.exposure[used]
    count = np.bincount(exposure, minlength=n)
    square = np.bincount(exposure, done.residual**2, n)
    status = np.where(count > 0, "calibrated", "reference_only")
    status = np.where(anchored[label] & np.isfinite(done.parameters[:n]), status, "unanchored")
    told = status != "unanchored"
    scatter = np.sqrt(square / np.maximum(count - 1, 1))
    table: dict[str, NDArray[Any]] = {
        "visit": rows.visit,
        "detector": rows.detector,
        "zeroPoint": np.where(told, done.parameters[:n], np.nan),
        "zeroPointErr": np.where(told, np.sqrt(done.variances[:n]), np.nan),
        "nStar": count,
        "nClipped": np.bincount(rows.exposure, minlength=n)
        - np.where(told, count, np.bincount(rows.exposure, minlength=n)),
        "scatter": np.where(count > 1, scatter, np.nan),
        "group": label,
        "status": status,
    }
    residual, chosen = np.full(rows.total, np.nan), np.zeros(rows.total, np.bool_)
    chosen[rows.row[used]] = True
    residual[rows.row[used]] = done.residual
    dof = int(used.sum()) - done.freedom
    sigma2 = rows.sigma[used] ** 2 + config.floor**2 + extra**2
    chi2 = float((done.residual**2 / sigma2).sum())
    return SelfCalibration(
        zero_points=table,
        spatial=_spatial(rows, done, config),
        groups=tuple(_group(rows, label, k, bool(anchored[k])) for k in range(len(anchored))),
        intrinsic=extra,
        chi2_dof=chi2 / dof if dof >= 1 else float("nan"),
        used=chosen,
        residual=residual,
    )


def _spatial(rows: _Rows, done: Adjusted, config: SelfCalConfig) -> dict[str, NDArray[Any]]:
    """Return the smooth terms by visit."""
    if not config.spatial_order:
        return {}
    exponents = terms(config.spatial_order, 1)
    values = done.parameters[rows.n :].reshape(-1, len(exponents))
    table: dict[str, NDArray[Any]] = {"visit": np.unique(rows.visit)}
    return table | {f"x{p}y{q}": values[:, k] for k, (p, q) in enumerate(exponents)}


def _group(rows: _Rows, label: Ints, k: int, anchored: bool) -> Group:
    """Return a description of a group."""
    mine = label == k
    visits, detectors = np.unique(rows.visit[mine]), np.unique(rows.detector[mine])
    stars = len(np.unique(rows.star[mine[rows.exposure]]))
    span = f"{visits[0]}" if len(visits) == 1 else f"{visits[0]} to {visits[-1]}"
    few = ", ".join(str(d) for d in detectors[:9]) + (", ..." if len(detectors) > 9 else "")
    name = f"{len(visits)} visits ({span}), detectors {few}"
    return Group(name, int(mine.sum()), stars, anchored)
