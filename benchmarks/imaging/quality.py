"""How much of the truth a catalogue has, and how well it measures stars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.spatial import cKDTree
from scipy.special import ndtr

READ_NOISE = 6.0
#: A detection is that of an object within this distance; farther than `FALSE` from all listed
#: objects it is of none. Pixels.
MATCH, FALSE = 2.0, 3.0
#: Stars whose scatter is measured: no object of more than this share of their light within
#: `APART` pixels, and this far from the edge.
SHARE, APART, EDGE = 0.003, 12.0, 25.0
LEAST_SNR = 100.0


@dataclass(frozen=True, eq=False)
class Detected:
    """A catalogue: positions (from 0), PSF fluxes, and whether the fluxes are to be trusted."""

    x: np.ndarray
    y: np.ndarray
    flux: np.ndarray
    good: np.ndarray


@dataclass(frozen=True, eq=False)
class Judged:
    """Truth of one image beside a catalogue; arrays over the true stars on the image.

    Attributes
    ----------
    mag : ndarray
    found : ndarray of bool
    error : ndarray
        Measured less true magnitude but for a constant; NaN where not measured.
    noise : ndarray
        Least standard error, mag.
    bright : ndarray of bool
        S/N > 100, alone.
    false : int
        Detections of nothing.
    """

    mag: np.ndarray
    found: np.ndarray
    error: np.ndarray
    noise: np.ndarray
    bright: np.ndarray
    false: int


def judge(source: dict, detector: dict, shape: tuple[int, int], seen: Detected) -> Judged:
    """Compare a catalogue with rows of `truth_source` and the row of the detector."""
    place = np.column_stack([source["x"], source["y"]])
    at = np.column_stack([seen.x, seen.y])
    star = source["isStar"] & source["seen"]
    distance, nearest = cKDTree(at).query(place[star])
    found = distance < MATCH
    light = source["electrons"]
    area, sky = float(detector["psfArea"][0]), float(detector["skyBg"][0])
    electrons = light[star]
    snr = electrons / np.sqrt(electrons + area * (sky + READ_NOISE**2))
    trusted = found & seen.good[nearest] & (seen.flux[nearest] > 0)
    error = np.full(star.sum(), np.nan)
    error[trusted] = -2.5 * np.log10(seen.flux[nearest][trusted] / electrons[trusted])
    inside = np.all(
        [(place[star][:, k] > EDGE) & (place[star][:, k] < shape[1 - k] - EDGE) for k in (0, 1)],
        axis=0,
    )
    bright = (snr > LEAST_SNR) & inside & _alone(place, light)[star]
    false = int((cKDTree(place).query(at)[0] > FALSE).sum())
    return Judged(source["mag"][star], found, error, 1.0857 / snr, bright, false)


def _alone(place: np.ndarray, light: np.ndarray) -> np.ndarray:
    near = cKDTree(place).query_ball_point(place, APART)
    return np.array(
        [all(light[j] < SHARE * light[i] for j in js if j != i) for i, js in enumerate(near)]
    )


def half_complete(mag: np.ndarray, found: np.ndarray) -> tuple[float, float]:
    """Return the magnitude at which half of the stars are found, and its standard error.

    Most likely for a share `c` of all stars (the others are hidden by others), falling by a
    normal distribution function; the error is that of 50 samples drawn with replacement.
    """
    near = mag > np.median(mag) - 3.0
    mag, found = mag[near], found[near]

    def fit(m: np.ndarray, f: np.ndarray) -> float:
        def cost(p: np.ndarray) -> float:
            share = np.clip(p[2] * ndtr((p[0] - m) / abs(p[1])), 1e-6, 1.0 - 1e-6)
            return float(-np.where(f, np.log(share), np.log1p(-share)).sum())

        bounds = [(m.min(), m.max()), (0.05, 1.0), (0.7, 1.0)]
        start = np.array([np.sort(m)[int(f.sum())] if f.sum() < f.size else m.max(), 0.2, 0.97])
        best = minimize(cost, start, bounds=bounds, method="Nelder-Mead").x
        at = np.linspace(m.min(), m.max(), 5000)
        share = best[2] * ndtr((best[0] - at) / abs(best[1]))
        return float(at[np.argmin(np.abs(share - 0.5))])

    rng = np.random.default_rng(1)
    again = [rng.integers(0, mag.size, mag.size) for _ in range(50)]
    return fit(mag, found), float(np.std([fit(mag[k], found[k]) for k in again]))


def scatter(judged: list[Judged], common: list[np.ndarray]) -> tuple[float, float, int]:
    """Return robust scatter (mmag), the same in units of the least noise, and the stars.

    Each image loses its median; `common` are the stars that all catalogues measured.
    """
    errors, pulls = [], []
    for one, use in zip(judged, common, strict=True):
        away = one.error[use] - np.median(one.error[use])
        errors.append(away)
        pulls.append(away / one.noise[use])
    both = np.concatenate(errors), np.concatenate(pulls)
    wide = [1.4826 * float(np.median(np.abs(v))) for v in both]
    return 1e3 * wide[0], wide[1], both[0].size
