"""Fits the error terms of repeated measurements of stars: the same for pixels and for a twin.

A measurement is taken to be the star's mean, an error shared by its image (visit and
detector), part of which all images of a visit share, and an error of its own. The means of
stars and images are fitted together; what is left, and the means of the images, give the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from skyassay.verify.closure.checks import MAD_TO_SIGMA, groups
from skyassay.verify.closure.repeats import Repeats
from skyassay.verify.closure.two_way import TwoWay, two_way

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Range = tuple[float, float]
#: Signal to noise of the stars that show photon noise: the first range that both tables have.
#: A range is the same for both, because the centroid's coefficient falls from 0.60 (all noise
#: is of the sky) to 0.425 (all is of the star) for a Gaussian profile (King 1983, PASP 95, 163).
FAINT: tuple[Range, ...] = ((10.0, 50.0), (50.0, 200.0))
#: Next to the bright ones, for the noise to be taken from these: their coefficient is nearest.
MIDDLE: Range = (50.0, 200.0)
#: Above this the floor shows.
BRIGHT = 200.0
#: Fewer rows, or visits, decide nothing.
FEWEST_ROWS, FEWEST_VISITS = 50, 5
#: Samples of visits behind an error, and their seed.
SAMPLES, SEED = 200, 4
_ROUNDS = 3
_TERMS = {
    "photon": "",
    "photometric_floor": "mmag",
    "zero_point_visit": "mmag",
    "zero_point_detector": "mmag",
    "centroid": "",
    "astrometric_floor": "mas",
    "translation_visit": "mas",
    "translation_detector": "mas",
}
#: Term -> unit.
TERMS: Mapping[str, str] = _TERMS


@dataclass(frozen=True)
class Term:
    """One fitted term: its square, which may come out negative, with a standard error.

    Attributes
    ----------
    square, square_error : float or None
        Unit of the term squared; None exactly when not measured.
    n : int
        Measurements, or images, behind it.
    reason : str or None
        Why it was not measured.
    """

    square: float | None
    square_error: float | None
    n: int
    reason: str | None = None

    @property
    def value(self) -> float | None:
        """Return the size of the term; 0 where the square is not above 0."""
        return None if self.square is None else float(np.sqrt(max(self.square, 0.0)))

    @property
    def error(self) -> float | None:
        """Return how much larger the term may be, by one standard error of its square."""
        if self.square is None or self.square_error is None:
            return None
        floor = max(self.square, 0.0)
        return float(np.sqrt(floor + self.square_error) - np.sqrt(floor))


def common_range(*stars: Repeats) -> Range:
    """Return the first range of `FAINT` of which all have enough; the first where none is."""
    for one in FAINT:
        if all(_within(s, one).sum() >= FEWEST_ROWS for s in stars):
            return one
    return FAINT[0]


def fit_terms(stars: Repeats, faint: Range = FAINT[0]) -> dict[str, Term]:
    """Fit every term of `TERMS` to the stars of one band.

    Parameters
    ----------
    stars : Repeats
    faint : tuple of float
        S/N of the stars that show photon noise.

    Returns
    -------
    dict
        Term -> `Term`; what is not measured has a reason: ``too_few_visits``,
        ``too_few_faint_stars``, ``too_few_middling_stars``, ``too_few_bright_stars``,
        ``one_detector``.
    """
    visits = len(np.unique(stars.visit))
    if visits < FEWEST_VISITS:
        return {name: Term(None, None, visits, "too_few_visits") for name in TERMS}
    return {**_photometry(stars, faint), **_astrometry(stars, faint)}


def _photometry(stars: Repeats, faint_range: Range) -> dict[str, Term]:
    """Return photon term, floor and zero points."""
    faint, bright = _within(stars, faint_range), stars.snr > BRIGHT
    # Large to begin with: no bright star is an outlier because the floor is not known yet.
    known, floor = stars.error**2, 100.0
    for _ in range(_ROUNDS):
        fitted = two_way(stars.flux, known + floor, stars.star, stars.image)
        if (bright & fitted.kept).sum() < FEWEST_ROWS:
            break
        rows = bright & fitted.kept
        floor = max(amplitude(fitted.residual[rows], known[rows], np.ones(rows.sum())), 0.0)

    def photon(rows: Ints) -> float:
        return amplitude(fitted.residual[rows], np.full(len(rows), floor), known[rows])

    def white(rows: Ints) -> float:
        return amplitude(fitted.residual[rows], known[rows], np.ones(len(rows)))

    visit, detector = shared_terms(stars, (fitted,), bright & fitted.kept)
    return {
        "photon": _by_visits(photon, stars, faint & fitted.kept, "too_few_faint_stars"),
        "photometric_floor": _by_visits(white, stars, bright & fitted.kept, "too_few_bright_stars"),
        "zero_point_visit": visit,
        "zero_point_detector": detector,
    }


def _astrometry(stars: Repeats, faint_range: Range) -> dict[str, Term]:
    """Return centroid coefficient, floor and translations; both coordinates count alike."""
    faint, bright = _within(stars, faint_range), stars.snr > BRIGHT
    middle = _within(stars, MIDDLE)
    kinds = {"too_few_middling_stars": middle, "too_few_bright_stars": bright}
    shape = (1000.0 * stars.seeing / stars.snr) ** 2
    # A Gaussian profile's coefficient and a large floor to begin with; the rounds correct them.
    square, floor = 1.0 / (8.0 * np.log(2.0)), 100.0
    for _ in range(_ROUNDS):
        fits = tuple(
            two_way(v, square * shape + floor, stars.star, stars.image)
            for v in (stars.east, stars.north)
        )
        kept = fits[0].kept & fits[1].kept
        lacking = [n for n, k in kinds.items() if (k & kept).sum() < FEWEST_ROWS]
        if lacking:
            break
        square = max(_both(fits, middle & kept, np.full(len(shape), floor), shape), 1e-6)
        floor = max(_both(fits, bright & kept, square * shape, np.ones(len(shape))), 0.0)

    def centroid(rows: Ints) -> float:
        return _both(fits, rows, np.full(len(shape), floor), shape)

    def white(rows: Ints) -> float:
        return _both(fits, rows, square * shape, np.ones(len(shape)))

    if lacking:
        none = Term(None, None, int((kinds[lacking[0]] & kept).sum()), lacking[0])
        return dict.fromkeys(
            ("centroid", "astrometric_floor", "translation_visit", "translation_detector"), none
        )
    visit, detector = shared_terms(stars, fits, bright & kept)
    return {
        "centroid": _by_visits(centroid, stars, faint & kept, "too_few_faint_stars"),
        "astrometric_floor": _by_visits(white, stars, bright & kept, "too_few_bright_stars"),
        "translation_visit": visit,
        "translation_detector": detector,
    }


def _within(stars: Repeats, limits: Range) -> NDArray[np.bool_]:
    return (stars.snr >= limits[0]) & (stars.snr < limits[1])


def _both(
    fits: tuple[TwoWay, ...], rows: NDArray[np.bool_] | Ints, known: Floats, shape: Floats
) -> float:
    residual = np.concatenate([f.residual[rows] for f in fits])
    return amplitude(residual, *(np.tile(a[rows], len(fits)) for a in (known, shape)))


def amplitude(residual: Floats, known: Floats, shape: Floats) -> float:
    """Return t such that the robust width of ``residual / sqrt(known + t shape)`` is 1.

    Parameters
    ----------
    residual : ndarray, shape (n,)
        Of mean 0.
    known, shape : ndarray, shape (n,)
        Variance that is known, and what multiplies the unknown one.

    Returns
    -------
    float
        Negative where the residuals are smaller than what is known: to first order, so that
        an average over samples is not biased upwards. NaN for no rows.
    """
    if not len(residual):
        return float("nan")
    size = np.abs(residual)

    def excess(t: float) -> float:
        return MAD_TO_SIGMA * float(np.median(size / np.sqrt(known + t * shape))) - 1.0

    # With nothing known the answer is the width itself, an upper bound otherwise.
    most = (MAD_TO_SIGMA * float(np.median(size / np.sqrt(shape)))) ** 2
    if not np.any(known > 0.0) or most == 0.0:
        return most
    with np.errstate(divide="ignore", invalid="ignore"):
        width = 1.0 + excess(0.0)
    if width <= 1.0:
        return float((width**2 - 1.0) * np.median(known / shape))
    return float(brentq(excess, most * 1e-9, most, xtol=most * 1e-6)) if width > 1.0 else 0.0


def shared_terms(
    stars: Repeats, fits: tuple[TwoWay, ...], rows: NDArray[np.bool_]
) -> tuple[Term, Term]:
    """Return the terms that a visit's images share, and that each image has beyond them.

    The product of the means of two images of one visit has no noise of stars in it: its
    average is the variance that they share. What the squares have beyond it, less the
    variance of the means, is the images' own. Means of `n` visits about their mean have
    ``(n - 1) / n`` of the variance.

    Parameters
    ----------
    stars : Repeats
    fits : tuple of TwoWay
        One per coordinate.
    rows : ndarray of bool
        Which must be enough for the means to be any good.
    """
    if rows.sum() < FEWEST_ROWS:
        none = Term(None, None, int(rows.sum()), "too_few_bright_stars")
        return none, none
    real = np.all([np.isfinite(f.mean_variance) for f in fits], axis=0)
    first = fits[0].first[real]
    number, at = np.unique(stars.visit[first], return_inverse=True)
    visits, images = len(number), len(at)
    detector = groups((stars.detector[first],))
    counts = np.bincount(at)
    pairs = counts >= 2
    if pairs.sum() < FEWEST_VISITS:
        none = Term(None, None, images, "one_detector")
        return none, none
    bias = visits / (visits - 1.0)
    product, square = np.zeros(visits), np.zeros(visits)
    for fit in fits:
        level = np.bincount(detector, fit.mean[real]) / np.bincount(detector)
        mean = fit.mean[real] - level[detector]
        total, squares = np.bincount(at, mean, visits), np.bincount(at, mean**2, visits)
        noise = np.bincount(at, fit.mean_variance[real], visits) / bias
        product += (total**2 - squares) / np.maximum(counts * (counts - 1), 1) / len(fits)
        square += (squares - noise) / np.maximum(counts, 1) / len(fits)
    product, square = bias * product[pairs], bias * square[pairs]
    own = square - product
    return tuple(  # type: ignore[return-value]
        Term(float(v.mean()), float(v.std(ddof=1) / np.sqrt(len(v))), images)
        for v in (product, own)
    )


def _by_visits(
    fit: Callable[[Ints], float], stars: Repeats, kind: NDArray[np.bool_], few: str
) -> Term:
    """Return a term with the scatter of its fit over samples of visits."""
    rows = np.flatnonzero(kind)
    number, at = np.unique(stars.visit[rows], return_inverse=True)
    if len(rows) < FEWEST_ROWS:
        return Term(None, None, len(rows), few)
    if len(number) < FEWEST_VISITS:
        return Term(None, None, len(rows), "too_few_visits")
    mine = np.split(rows[np.argsort(at, kind="stable")], np.cumsum(np.bincount(at))[:-1])
    random = np.random.default_rng(SEED)
    drawn = random.integers(len(mine), size=(SAMPLES, len(mine)))
    found = [fit(np.concatenate([mine[k] for k in sample])) for sample in drawn]
    # A bootstrap of n has (n - 1) / n of the variance.
    error = np.std(found) * np.sqrt(len(mine) / (len(mine) - 1.0))
    return Term(fit(rows), float(error), len(rows))
