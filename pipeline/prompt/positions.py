"""Mean positions of objects from their sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skyassay.pipeline.prompt.statistics import Floats, Ints, divided


def mean_positions(
    count: int,
    which: ArrayLike,
    ra: ArrayLike,
    dec: ArrayLike,
    ra_error: ArrayLike,
    dec_error: ArrayLike,
    covariance: ArrayLike,
) -> dict[str, Floats]:
    """Return weighted mean positions of objects.

    Parameters
    ----------
    count : int
        Objects; each has a source at least.
    which : array_like of int, shape (m,)
        Object of each source.
    ra, dec : array_like, shape (m,)
        Degrees.
    ra_error, dec_error, covariance : array_like, shape (m,)
        Degrees and degrees squared, right ascension times cos(dec).

    Returns
    -------
    dict of ndarray, shape (count,)
        ``ra``, ``dec``, ``raErr``, ``decErr``, ``ra_dec_Cov``. Each axis has weights 1 / error**2;
        the errors are those of such a mean and do not depend on the scatter. Sources without
        errors count only for objects that have no others; those have NaN errors.
    """
    number = np.asarray(which, dtype=np.int64)
    a, d, sa, sd, cov = (
        np.asarray(v, dtype=np.float64) for v in (ra, dec, ra_error, dec_error, covariance)
    )
    # The same sum whatever order a database gives rows in.
    order = np.lexsort((d, a, number))
    number = number[order]
    a, d, sa, sd, cov = (v[order] for v in (a, d, sa, sd, cov))
    first = np.searchsorted(number, np.arange(count))
    a0, d0 = a[first], d[first]
    east = ((a - a0[number] + 180.0) % 360.0 - 180.0) * np.cos(np.radians(d0[number]))
    wa, wd, known = _weights(count, number, sa, sd)
    total_a, total_d = (np.bincount(number, w, minlength=count) for w in (wa, wd))
    mean_east = np.bincount(number, wa * east, minlength=count) / total_a
    mean_dec = d0 + np.bincount(number, wd * (d - d0[number]), minlength=count) / total_d
    shared = np.where(wa * wd > 0, wa * wd * np.nan_to_num(cov), 0.0)
    nan = np.full(count, np.nan)
    return {
        "ra": (a0 + mean_east / np.cos(np.radians(d0))) % 360.0,
        "dec": mean_dec,
        "raErr": np.where(known, 1.0 / np.sqrt(total_a), nan),
        "decErr": np.where(known, 1.0 / np.sqrt(total_d), nan),
        "ra_dec_Cov": np.where(
            known, np.bincount(number, shared, minlength=count) / (total_a * total_d), nan
        ),
    }


def _weights(
    count: int, which: Ints, ra_error: Floats, dec_error: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Return the weights on both axes, and which objects have a source with errors."""
    with np.errstate(invalid="ignore"):
        good = np.isfinite(ra_error) & np.isfinite(dec_error) & (ra_error > 0) & (dec_error > 0)
    known = np.bincount(which, good, minlength=count) > 0
    alike = np.where(known[which], 0.0, 1.0)
    wa, wd = (
        np.where(good, divided(np.ones(len(e)), np.where(good, e, 1.0) ** 2), alike)
        for e in (ra_error, dec_error)
    )
    return wa, wd, known
