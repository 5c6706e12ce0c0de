"""Which detected star is which reference star, when the pointing is off by arcseconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.stats import binom

from skyassay.pipeline.astrometry.errors import AstrometryError
from skyassay.pipeline.astrometry.sphere import Floats
from skyassay.pipeline.astrometry.wcs import SkyWcs

Ints = NDArray[np.intp]


@dataclass(frozen=True)
class MatchConfig:
    """How to match.

    Attributes
    ----------
    max_offset : float
        Largest error of the pointing at the detector, arcsec: 10 of the boresight, and what
        0.1 deg of rotation adds 1.75 deg from it.
    max_turn : float
        Largest relative error of the linear terms (rotation in radians, scale, shear):
        0.1 deg is 1.7e-3.
    tolerance : float
        Final distance of a pair, arcsec.
    brightest : int
        Detections, and reference stars, that vote. Where there are many more detections than
        reference stars, three times as many decide: the others are fainter than these.
    min_matches : int
        Fewer pairs are no match, whatever they look like.
    max_chance : float
        Largest probability that unrelated stars would agree as well.
    """

    max_offset: float = 22.0
    max_turn: float = 2.5e-3
    tolerance: float = 0.6
    brightest: int = 100
    min_matches: int = 3
    max_chance: float = 1e-5


@dataclass(frozen=True)
class Matches:
    """Pairs, one to one.

    Attributes
    ----------
    detected, reference : ndarray of int, shape (n,)
        Rows of the two lists, sorted by the detected one.
    transform : ndarray, shape (2, 3)
        Reference star's nominal pixel to detected pixel: constant, x and y terms, about the
        image's centre.
    chance : float
        Probability that unrelated stars would agree as well (Bonferroni over all offsets).
    """

    detected: Ints
    reference: Ints
    transform: Floats
    chance: float

    def __len__(self) -> int:
        return len(self.detected)

    @property
    def shift(self) -> tuple[float, float]:
        """Offset of the detections at the image's centre, pixels."""
        return float(self.transform[0, 0]), float(self.transform[1, 0])


def match_stars(
    x: ArrayLike,
    y: ArrayLike,
    flux: ArrayLike,
    ra: ArrayLike,
    dec: ArrayLike,
    mag: ArrayLike,
    wcs: SkyWcs,
    config: MatchConfig | None = None,
) -> Matches:
    """Match detections (n,) with reference stars (m,).

    Every pair of a bright detection and a bright reference star votes for its offset; the
    place with most votes is refined to a similarity and then a linear transform. The answer
    does not depend on the order of rows.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Pixels. Rows that are not finite are never matched.
    flux : array_like, shape (n,)
        Any unit; NaN counts as faintest.
    ra, dec, mag : array_like, shape (m,)
        Degrees; magnitudes in any band, NaN counts as faintest.
    wcs : SkyWcs
        From the nominal pointing.
    config : MatchConfig, optional

    Raises
    ------
    AstrometryError
        ``no_astrometric_match``.
    """
    config = config or MatchConfig()
    scale = float(wcs.pixel_scale(*wcs.crpix))
    centre = np.array([(wcs.size[0] - 1) / 2.0, (wcs.size[1] - 1) / 2.0])
    seen, seen_row = _sorted(np.stack([x, y], axis=1) - centre, -np.asarray(flux, float))
    reach = config.max_offset / scale
    there, there_row = _sorted(np.stack(wcs.sky_to_pixel(ra, dec), axis=1) - centre, mag)
    near = (np.abs(there) <= np.array(wcs.size) / 2.0 + reach).all(axis=1)
    there, there_row = there[near], there_row[near]
    everything, seen = seen, seen[: max(3 * len(there), config.brightest)]
    if min(len(seen), len(there)) < config.min_matches:
        raise _no_match(f"{len(seen)} detections and {len(there)} reference stars are too few")
    tolerance = config.tolerance / scale
    smear = tolerance + config.max_turn * float(np.hypot(*wcs.size)) / 2.0
    best: tuple[float, Ints, Ints, Floats] | None = None
    for start in _votes(seen[: config.brightest], there[: config.brightest], reach, smear):
        found = _refine(seen, there, start, smear, tolerance, 2.0 * config.max_turn)
        chance = _chance(len(found[0]), len(seen), there, wcs.size, tolerance, reach)
        if best is None or chance < best[0]:
            best = (chance, *found)
    if best is None or best[0] > config.max_chance or len(best[1]) < config.min_matches:
        raise _no_match(
            f"of {len(seen)} detections and {len(there)} reference stars no more agree than by "
            "chance"
        )
    i, j = _pairs(cKDTree(everything), everything, there, best[3], tolerance)
    rows = np.argsort(seen_row[i])
    return Matches(seen_row[i][rows], there_row[j][rows], best[3], best[0])


def _no_match(why: str) -> AstrometryError:
    return AstrometryError(
        f"No match with the reference catalogue: {why}.",
        code="no_astrometric_match",
        hint=f"Is the pointing in the header right to {MatchConfig.max_offset:g} arcsec, and does "
        "the catalogue cover it? A saturated or empty detector has no match.",
    )


def _sorted(points: Floats, rank: ArrayLike) -> tuple[Floats, Ints]:
    """Return the finite points, brightest first, and their rows; ties by place."""
    order = np.lexsort((points[:, 1], points[:, 0], np.asarray(rank, float)))
    order = order[np.isfinite(points[order]).all(axis=1)]
    return points[order], order


def _votes(seen: Floats, there: Floats, reach: float, cell: float) -> Floats:
    """Return up to five offsets (k, 2), those that most pairs agree on first."""
    delta = (seen[:, None] - there[None]).reshape(-1, 2)
    delta = delta[(np.abs(delta) <= reach).all(axis=1)]
    if not len(delta):
        return delta
    n = max(int(np.ceil(2 * reach / cell)), 1)
    index = np.minimum(((delta + reach) / (2 * reach) * n).astype(int), n - 1)
    votes = np.zeros((n + 2, n + 2))
    np.add.at(votes, (index[:, 0] + 1, index[:, 1] + 1), 1)
    # Sums of 2 x 2 cells: a true offset lies at most half a block from some block's centre.
    block = votes[:-1, :-1] + votes[1:, :-1] + votes[:-1, 1:] + votes[1:, 1:]
    best = np.argsort(-block, axis=None, kind="stable")[:5]
    best = best[block.ravel()[best] >= 2]
    corner = np.stack(np.unravel_index(best, block.shape), axis=1)
    return np.asarray(corner * (2 * reach / n) - reach, float)


def _refine(
    seen: Floats,
    there: Floats,
    start: Floats,
    smear: float,
    tolerance: float,
    most: float,
) -> tuple[Ints, Ints, Floats]:
    """Return pairs and transform, narrowing the search from the smear to the tolerance."""
    transform = np.array([[start[0], 1.0, 0.0], [start[1], 0.0, 1.0]])
    tree = cKDTree(seen)
    radii = np.maximum(np.array([2.0, 1.0, 0.5, 0.25, 0.0, 0.0]) * smear, tolerance)
    for radius in radii:
        i, j = _pairs(tree, seen, there, transform, float(radius))
        if len(i) < 3:
            break
        transform = _transform(seen[i], there[j], float(radius), most)
    i, j = _pairs(tree, seen, there, transform, tolerance)
    return i, j, transform


def _apply(transform: Floats, points: Floats) -> Floats:
    """Return the transformed points (n, 2)."""
    return np.asarray(transform[:, 0] + points @ transform[:, 1:].T)


def _pairs(
    tree: cKDTree, seen: Floats, there: Floats, transform: Floats, radius: float
) -> tuple[Ints, Ints]:
    """Return rows of detections and reference stars that are each other's nearest."""
    moved = _apply(transform, there)
    distance, nearest = tree.query(moved, distance_upper_bound=radius)
    j = np.flatnonzero(np.isfinite(distance))
    i = np.asarray(nearest, np.intp)[j]
    mutual = np.asarray(cKDTree(moved).query(seen[i])[1], np.intp) == j
    return i[mutual], j[mutual]


def _transform(seen: Floats, there: Floats, radius: float, most: float) -> Floats:
    """Return the transform that brings reference stars to detections.

    With ten pairs or more linear, with five a similarity; with less, or where that would turn
    or stretch by more than `most`, a shift: false pairs would. Only pairs that agree with the
    median shift count.
    """
    delta = seen - there
    off = np.hypot(*(delta - np.median(delta, axis=0)).T)
    good = off <= max(np.sort(off)[len(off) // 2] * 3.0, 0.25 * radius)
    seen, there = seen[good], there[good]
    n = len(seen)
    one, nil = np.ones(n), np.zeros(n)
    found = None
    if n >= 10:
        design = np.column_stack([one, there])
        found = np.linalg.lstsq(design, seen, rcond=None)[0].T
    elif n >= 5:
        rows_x = np.column_stack([one, nil, there[:, 0], -there[:, 1]])
        rows_y = np.column_stack([nil, one, there[:, 1], there[:, 0]])
        p = np.linalg.lstsq(np.vstack([rows_x, rows_y]), seen.T.ravel(), rcond=None)[0]
        found = np.array([[p[0], p[2], -p[3]], [p[1], p[3], p[2]]])
    if found is not None and np.linalg.norm(found[:, 1:] - np.eye(2), 2) <= most:
        return np.asarray(found, float)
    shift = (seen - there).mean(axis=0)
    return np.array([[shift[0], 1.0, 0.0], [shift[1], 0.0, 1.0]])


def _chance(
    k: int, n: int, there: Floats, size: tuple[int, int], tolerance: float, reach: float
) -> float:
    """Return the probability that k of n unrelated detections find a reference star.

    The density is that of the reference stars near the image; the number of trials that of
    distinct offsets.
    """
    area = (size[0] + 2 * reach) * (size[1] + 2 * reach)
    circle = np.pi * tolerance**2
    single = min(len(there) / area * circle, 1.0)
    trials = max((2 * reach) ** 2 / circle, 1.0)
    return float(min(trials * binom.sf(k - 1, n, single), 1.0))


def offsets_arcsec(matches: Matches, wcs: SkyWcs) -> tuple[float, float]:
    """Return the error of the pointing, east and north at the image's centre, arcsec."""
    centre = (wcs.size[0] - 1) / 2.0, (wcs.size[1] - 1) / 2.0
    # A star seen further along +x means that the image is further back on the sky.
    east, north = -wcs.jacobian(*centre) @ np.array(matches.shift)
    return float(east), float(north)
