"""Images, sky and depth of visits: what is true of them, and what a survey says of them.

The delivered image size of `truth_visit` (``seeing``) is made of the free atmosphere and of
what telescope and camera add, in quadrature along the line of sight. What the `visit_table`
says carries the errors of `ImageQuality`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.conditions import DEPTH, DEPTH_MARGIN, EXPOSURE, EXTINCTION
from skyassay.simulator.random import rng

Floats = NDArray[np.float64]
Table = dict[str, NDArray[Any]]
#: Effective wavelengths, nm.
WAVELENGTH = {"u": 368.0, "g": 480.0, "r": 622.0, "i": 754.0, "z": 869.0, "y": 971.0}
#: Powers of wavelength and airmass in the size of seeing (Kolmogorov; Roddier 1981).
CHROMATIC, SLANT = -0.2, 0.6
#: A zero point that makes the noise of the sky give the depth of Ivezic et al. (2019), eq. 6:
#: half of it is the depth constant less 21 / 2, plus 2.5 log10(0.7 x 5 sqrt(2.266)).
_SKY_LIMIT = 21.0 - 5.0 * np.log10(0.7 * 5.0 * np.sqrt(2.266))
#: Normal variates used per night, and per visit.
PER_NIGHT, PER_VISIT = 3, 7


@dataclass(frozen=True)
class ImageQuality:
    """Sizes of the terms; Gaussian standard deviations unless said.

    Attributes
    ----------
    system_arcsec : float
        Effective size that telescope and camera add at the zenith; grows as airmass^0.6.
    system_scatter : float
        Relative scatter of it from visit to visit (of its logarithm).
    monitor : float
        Relative noise of the seeing monitor.
    size : float
        Relative noise of the delivered size.
    sky_night, sky_visit : float
        Relative error of the sky's flux shared by a night, and of a visit.
    throughput_night, throughput_visit : float
        Real changes of the throughput, mag: they move depth and zero point.
    depth_night, depth_visit : float
        Error of the five-sigma depth that the zero point does not know of, mag.
    zero_point : float
        Noise of the zero point, mag.
    """

    system_arcsec: float = 0.3
    system_scatter: float = 0.05
    monitor: float = 0.02
    size: float = 0.005
    sky_night: float = 0.002
    sky_visit: float = 0.003
    throughput_night: float = 0.004
    throughput_visit: float = 0.004
    depth_night: float = 0.005
    depth_visit: float = 0.01
    zero_point: float = 0.002


def zero_points() -> Mapping[str, float]:
    """Return the zero point of a clear standard exposure at the zenith, mag per count."""
    return {b: 2.0 * (DEPTH[b] + DEPTH_MARGIN) - float(_SKY_LIMIT) for b in DEPTH}


def true_images(terms: ImageQuality, truth: Mapping[str, Any], visit: Floats) -> Table:
    """Return what makes up the delivered size of each visit.

    Parameters
    ----------
    terms : ImageQuality
    truth : mapping
        ``band``, ``airmass``, ``seeing`` (arcsec).
    visit : ndarray, shape (PER_VISIT, n)
        Normal variates of the visit; the first is used.

    Returns
    -------
    dict
        ``systemSeeing`` (arcsec, along the line of sight) and ``atmosphericSeeing``
        (arcsec, at 500 nm at the zenith).
    """
    slant = truth["airmass"] ** SLANT
    system = terms.system_arcsec * slant * np.exp(terms.system_scatter * visit[0])
    free = np.sqrt(np.maximum(truth["seeing"] ** 2 - system**2, 0.0))
    return {
        "systemSeeing": system,
        "atmosphericSeeing": free / line_of_sight(truth["band"], truth["airmass"]),
    }


def published(terms: ImageQuality, truth: Mapping[str, Any], night: Floats, visit: Floats) -> Table:
    """Return what a survey says of the conditions: columns of `visit_table`.

    Parameters
    ----------
    terms : ImageQuality
    truth : mapping
        `truth_visit` with the columns of `true_images` and ``throughputOffset`` (mag).
    night : ndarray, shape (PER_NIGHT, n)
        Normal variates that the visits of a night share.
    visit : ndarray, shape (PER_VISIT, n)
    """
    size = truth["seeing"] * np.exp(terms.size * visit[1])
    sky_error = terms.sky_night * night[1] + terms.sky_visit * visit[3]
    sky = truth["skyBrightness"] - 2.5 * np.log10(1.0 + sky_error)
    # A depth is made of the measured size and sky, so it has their errors.
    depth = truth["magLim"] + truth["throughputOffset"]
    depth = depth - 2.5 * np.log10(size / truth["seeing"]) + 0.5 * (sky - truth["skyBrightness"])
    depth = depth + terms.depth_night * night[2] + terms.depth_visit * visit[4]
    zero = per_band(zero_points(), truth["band"]) + truth["throughputOffset"]
    zero = zero - per_band(EXTINCTION, truth["band"]) * (truth["airmass"] - 1.0)
    monitor = truth["atmosphericSeeing"] * np.maximum(1.0 + terms.monitor * visit[5], 0.1)
    return {
        "seeing": size,
        "skyBrightness": sky,
        "magLim": depth,
        "zeroPoint": zero - truth["extinction"] + terms.zero_point * visit[6],
        "atmosphericSeeing": monitor,
        "atmosphericSeeingErr": terms.monitor * truth["atmosphericSeeing"],
    }


def with_images(
    truth: Table, visits: Table, terms: ImageQuality, seed: int, night: NDArray[np.int64]
) -> tuple[Table, Table]:
    """Return `truth_visit` and `visit_table` with everything about images, sky and depth.

    Parameters
    ----------
    truth, visits : dict
        Same visits, same order; whole nights.
    terms : ImageQuality
    seed : int
    night : ndarray of int64, shape (n,)
        Night of each visit.
    """
    shared, own = drawn(night, seed)
    true = {**truth, **true_images(terms, truth, own)}
    true["throughputOffset"] = terms.throughput_night * shared[0] + terms.throughput_visit * own[2]
    return true, {**visits, **published(terms, true, shared, own)}


def drawn(night: NDArray[np.int64], seed: int) -> tuple[Floats, Floats]:
    """Return normal variates (PER_NIGHT, n) and (PER_VISIT, n); each night has its stream."""
    shared = np.empty((PER_NIGHT, len(night)))
    own = np.empty((PER_VISIT, len(night)))
    for label in np.unique(night):
        mine = np.flatnonzero(night == label)
        stream = rng(seed, "image_quality", int(label))
        shared[:, mine] = stream.standard_normal(PER_NIGHT)[:, None]
        # Visit by visit, so that one more visit does not move those before it.
        own[:, mine] = stream.standard_normal((len(mine), PER_VISIT)).T
    return shared, own


def per_band(table: Mapping[str, float], band: NDArray[Any]) -> Floats:
    """Return the entry of each band."""
    names, index = np.unique(band, return_inverse=True)
    return np.array([table[str(n)] for n in names])[index]


def sky_counts(sky: Floats, band: NDArray[Any], pixel: float) -> Floats:
    """Return the counts of the sky in a pixel of `pixel` arcsec in a standard exposure."""
    zero = per_band(zero_points(), band)
    return np.asarray(10.0 ** (-0.4 * (sky - zero)) * pixel**2 * EXPOSURE / 30.0)


def line_of_sight(band: NDArray[Any], airmass: Floats) -> Floats:
    """Return what turns seeing at 500 nm at the zenith into that of a visit's images."""
    nm = per_band(WAVELENGTH, band)
    return np.asarray(airmass**SLANT * (nm / 500.0) ** CHROMATIC)
