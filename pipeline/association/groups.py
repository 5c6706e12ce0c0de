"""Sums over groups of detections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.astrometry.sphere import ARCSEC, Floats

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Groups:
    """g groups of detections in b bands; means are over the detections that count.

    Attributes
    ----------
    first_id : ndarray of int64, shape (g,)
        Smallest ``sourceId``, also of those that do not count.
    seen : ndarray of int64, shape (g,)
        All detections.
    n : ndarray of int64, shape (g,)
        Those that count.
    twice_share : ndarray, shape (g,)
        Share of the detections that do not count, having a twin in the same visit.
    vector : ndarray, shape (g, 3)
        Mean direction, of unit length; that of all detections where none counts.
    extent : ndarray, shape (g,)
        Largest distance of a detection from the mean, arcsec.
    extendedness : ndarray, shape (g,)
        Mean; NaN without the column.
    bands : tuple of str
    n_band : ndarray of int64, shape (g, b)
    flux, snr : ndarray, shape (g, b)
        Means; NaN and 0 without detections.
    """

    first_id: Ints
    seen: Ints
    n: Ints
    twice_share: Floats
    vector: Floats
    extent: Floats
    extendedness: Floats
    bands: tuple[str, ...]
    n_band: Ints
    flux: Floats
    snr: Floats


def grouped(part: Mapping[str, NDArray[Any]], vectors: Floats, label: Ints, twice: Bools) -> Groups:
    """Return the sums over groups.

    Parameters
    ----------
    part : mapping
        Detections (n,) in a canonical order, which is that of the sums.
    vectors : ndarray, shape (n, 3)
        Directions.
    label : ndarray of int, shape (n,)
        Group of each, 0 to g - 1.
    twice : ndarray of bool, shape (n,)
        Detections that do not count.
    """
    g = int(label.max(initial=-1)) + 1
    seen, strays = (np.bincount(label[w], minlength=g) for w in (slice(None), twice))
    first = np.full(g, np.iinfo(np.int64).max)
    np.minimum.at(first, label, np.asarray(part["sourceId"], np.int64))
    # A group of which nothing counts is still a neighbour somewhere.
    counts = ~twice | (strays == seen)[label]
    vector = np.stack([_sums(vectors[:, k], label, counts, g) for k in range(3)], axis=1)
    vector /= np.sqrt((vector**2).sum(axis=1))[:, None]
    off = np.sqrt(((vectors - vector[label]) ** 2).sum(axis=1))
    extent = np.zeros(g)
    np.maximum.at(extent, label[counts], np.degrees(off[counts]) * ARCSEC)
    bands, n_band, flux, snr = _by_band(part, label, counts, g)
    extendedness = np.full(g, np.nan)
    if "extendedness" in part:
        known = counts & np.isfinite(part["extendedness"])
        extendedness = _mean(part["extendedness"], label, known, g)
    return Groups(
        first_id=first,
        seen=seen,
        n=seen - strays,
        twice_share=strays / np.maximum(seen, 1),
        vector=vector,
        extent=extent,
        extendedness=extendedness,
        bands=bands,
        n_band=n_band,
        flux=flux,
        snr=snr,
    )


def _by_band(
    part: Mapping[str, NDArray[Any]], label: Ints, counts: Bools, g: int
) -> tuple[tuple[str, ...], Ints, Floats, Floats]:
    """Return the bands, and by group and band the number, mean flux and mean signal to noise."""
    names = np.asarray(part["band"]).astype(str)
    bands = tuple(str(b) for b in np.unique(names))
    n_band = np.zeros((g, len(bands)), np.int64)
    flux, snr = np.full((g, len(bands)), np.nan), np.zeros((g, len(bands)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.nan_to_num(part["psfFlux"] / part["psfFluxErr"], posinf=0.0, neginf=0.0)
    for k, band in enumerate(bands):
        mine = counts & (names == band)
        n_band[:, k] = np.bincount(label[mine], minlength=g)
        flux[:, k] = _mean(part["psfFlux"], label, mine, g)
        snr[:, k] = np.nan_to_num(_mean(ratio, label, mine, g))
    return bands, n_band, flux, snr


def _sums(values: NDArray[Any], label: Ints, mine: Bools, g: int) -> Floats:
    total = np.bincount(label[mine], np.asarray(values, float)[mine], minlength=g)
    # Of nothing the sum is an integer.
    return np.asarray(total, np.float64)


def _mean(values: NDArray[Any], label: Ints, mine: Bools, g: int) -> Floats:
    """Return means over groups; NaN for groups without members."""
    count = np.bincount(label[mine], minlength=g)
    total = _sums(values, label, mine, g)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))
