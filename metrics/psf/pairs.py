"""Mean products of residuals over pairs of stars of one image, exact, and how well known.

Only pairs closer than 5 arcmin are listed; those farther apart are all pairs less these, and
the sum over all pairs is a square of sums. So no pair is approximated and no bin is smeared,
at a cost that grows with the number of close pairs alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
_ARCMIN = np.pi / 180.0 / 60.0
#: Name -> which of the two residuals are multiplied.
COMPONENTS = {"E1": (0, 0), "E2": (1, 1), "Ex": (0, 1)}
RANGES = ("near", "below", "far")
NEAR, FAR = 1.0, 5.0


@dataclass(frozen=True)
class Correlation:
    """One component over one range of separations.

    Attributes
    ----------
    value : float
        Mean product over the pairs; NaN without any.
    noise : float
        Standard error of it as the image's correlation, from its finite number of stars.
    pairs : int
    """

    value: float
    noise: float
    pairs: int


def correlations(
    ra: Floats, dec: Floats, residual: Floats, cell_arcmin: float
) -> dict[tuple[str, str], Correlation]:
    """Return (component, range) -> correlation of one image.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        deg.
    residual : ndarray, shape (2, n)
        Residual e1 and e2.
    cell_arcmin : float
        Stars of one cell are not taken as independent.

    Notes
    -----
    Each pair counts once; the cross product of a pair is (e1 e2' + e2 e1') / 2.
    """
    p = _vectors(ra, dec)
    i, j, arcmin = _close_pairs(p)
    cell = _cells(p, cell_arcmin)
    groups = int(cell.max(initial=-1)) + 1
    found: dict[tuple[str, str], Correlation] = {}
    for name, (a, b) in COMPONENTS.items():
        product = 0.5 * (residual[a][i] * residual[b][j] + residual[b][i] * residual[a][j])
        near = arcmin <= NEAR
        found[name, "near"] = _listed(product[near], cell[i[near]], groups)
        found[name, "below"] = _listed(product, cell[i], groups)
        found[name, "far"] = _rest(residual[a], residual[b], product, cell)
    return found


def _listed(product: Floats, cell: Ints, cells: int) -> Correlation:
    """Return the mean over listed pairs; those of one cell share their noise."""
    n = len(product)
    if not n:
        return Correlation(float("nan"), float("inf"), 0)
    mean = float(product.mean())
    sums = np.bincount(cell, product - mean, cells)
    groups = int(np.count_nonzero(np.bincount(cell, minlength=cells)))
    if groups < 2:
        return Correlation(mean, float("inf"), n)
    variance = float(np.square(sums).sum()) * groups / (groups - 1.0)
    return Correlation(mean, float(np.sqrt(variance)) / n, n)


def _rest(a: Floats, b: Floats, close: Floats, cell: Ints) -> Correlation:
    """Return the mean over all pairs that are not listed, from sums over stars."""
    n = len(a)
    pairs = n * (n - 1) // 2 - len(close)
    if pairs <= 0:
        return Correlation(float("nan"), float("inf"), 0)
    all_pairs = 0.5 * (float(a.sum() * b.sum()) - float(a @ b))
    return Correlation(
        (all_pairs - float(close.sum())) / pairs, _far_noise(a, b, cell, pairs), pairs
    )


def _far_noise(a: Floats, b: Floats, cell: Ints, pairs: int) -> float:
    """Return the standard error of a mean over pairs of stars in different cells.

    A second-order U-statistic of independent cell sums (Hoeffding 1948): the part that is
    linear in them, because the mean residual is not zero, and the products of two.
    """
    n = len(a)
    size = np.bincount(cell)
    if len(size) < 2:
        return float("inf")
    mean = float(a.mean()), float(b.mean())
    s, t = (np.bincount(cell, v) - size * m for v, m in zip((a, b), mean, strict=True))
    aa, bb, ab = s * s, t * t, s * t
    linear = mean[0] ** 2 * bb.sum() + mean[1] ** 2 * aa.sum() + 2 * mean[0] * mean[1] * ab.sum()
    products = aa.sum() * bb.sum() - aa @ bb + ab.sum() ** 2 - ab @ ab
    return float(np.sqrt(max(linear / n**2 + 0.25 * products / pairs**2, 0.0)))


def _close_pairs(p: Floats) -> tuple[Ints, Ints, Floats]:
    """Return both ends and the separation (arcmin) of the pairs below 5 arcmin."""
    chord = 2.0 * np.sin(0.5 * FAR * _ARCMIN)
    ends = cKDTree(p).query_pairs(chord * (1.0 + 1e-9), output_type="ndarray")
    ends = ends[np.lexsort((ends[:, 1], ends[:, 0]))]
    i, j = ends[:, 0], ends[:, 1]
    half = 0.5 * np.sqrt(np.square(p[i] - p[j]).sum(axis=1))
    arcmin = 2.0 * np.arcsin(np.minimum(half, 1.0)) / _ARCMIN
    # Five arcminutes exactly belongs to the wide range.
    keep = arcmin < FAR * (1.0 - 1e-12)
    return i[keep], j[keep], arcmin[keep]


def _cells(p: Floats, cell_arcmin: float) -> Ints:
    """Return square cells, from 0 up, on the plane that touches the sphere amid the stars."""
    centre = p.sum(axis=0)
    centre = centre / np.sqrt(centre @ centre)
    pole = np.eye(3)[int(np.argmin(np.abs(centre)))]
    east = np.cross(pole, centre)
    east = east / np.sqrt(east @ east)
    north = np.cross(centre, east)
    x, y = (np.floor(p @ v / (cell_arcmin * _ARCMIN)).astype(np.intp) for v in (east, north))
    _, label = np.unique((x - x.min()) * (np.ptp(y) + 1) + y, return_inverse=True)
    return np.asarray(label)


def _vectors(ra: Floats, dec: Floats) -> Floats:
    a, d = np.radians(ra), np.radians(dec)
    return np.stack([np.cos(a) * np.cos(d), np.sin(a) * np.cos(d), np.sin(d)], axis=1)
