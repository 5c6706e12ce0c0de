"""The photometric error model: quoted noise, and what the scatter of stars has beyond it.

Ivezic et al. (2019), eq. 4 and 5: the variance of a magnitude is ``sys^2 + (0.04 - gamma) x +
gamma x^2`` with ``x = 10^(0.4 (m - m5))``. Gamma and m5 come from the errors that the
pipeline quotes, sys from the scatter that stars really have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.photometry.faint import BANDS, PRODUCT, usable
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.recipes import SATURATION
from skyassay.metrics.selection import FLAGS, NJY_ZERO_POINT
from skyassay.metrics.states.keyed_sums import KeyedSums, from_values, merge

Floats = NDArray[np.float64]
#: Magnitude bins: number, first edge; widths are the recipe's.
BINS, FIRST = 256, 5.0
#: Variances are added up in these steps, mmag^2; larger ones are no photometry.
STEP, LARGEST = 1e-3, 2e6
POGSON = 2500.0 / np.log(10.0)
RECIPE = Recipe(
    "srd",
    {
        "bin_mag": 0.25,
        "min_visits": 3,
        "min_stars": 50,
        "min_bins": 6,
        "min_stars_in_bin": 3,
        "extendedness_max": 0.5,
        # Fainter stars miss visits in which they were not detected.
        "snr_min": 20.0,
        # What a magnitude limit and a shape may be; a fit outside has failed.
        "m5": [15.0, 32.0],
        "gamma": [0.0, 0.04],
        "bright": [1.0, 4.0],
        "statistic": "variance of stars less the variance that their quoted errors say",
    },
)


@dataclass(frozen=True)
class Model:
    """A fitted error model of one band.

    Attributes
    ----------
    m5, gamma : float
    systematic : float
        Square of sys, mmag squared; negative when quoted errors are too large.
    """

    m5: float
    gamma: float
    systematic: float = 0.0

    def variance(self, mag: Floats) -> Floats:
        """Return the variance of magnitudes, mmag squared."""
        x = 10.0 ** (0.4 * (mag - self.m5))
        return np.asarray(self.systematic + 1e6 * ((0.04 - self.gamma) * x + self.gamma * x * x))


def fit_quoted(mag: Floats, variance: Floats, weight: Floats) -> Model:
    """Return the model without systematic part that quoted errors follow.

    Parameters
    ----------
    mag : ndarray, shape (n,)
    variance : ndarray, shape (n,)
        Squares of the quoted errors, mmag squared.
    weight : ndarray, shape (n,)
        Stars behind each.

    Notes
    -----
    ``variance = a y + b y^2`` in ``y = 10^(0.4 (m - reference))`` is linear in a and b: least
    squares of relative residuals. With ``k = 10^(0.4 (reference - m5))``,
    ``a = (0.04 - gamma) k`` and ``b = gamma k^2``, so ``0.04 k^2 - a k - b = 0``.
    """
    reference = float(np.average(mag, weights=weight))
    y = 10.0 ** (0.4 * (mag - reference))
    target = 1e-6 * variance
    root = np.sqrt(weight) / target
    design = np.stack([y, y * y], axis=1) * root[:, None]
    (a, b), *_ = np.linalg.lstsq(design, target * root, rcond=None)
    inside = a * a + 0.16 * b
    if not inside > 0.0:
        raise NotMeasured("fit_failed", "The quoted errors do not follow the error model.")
    k = (a + np.sqrt(inside)) / 0.08
    if not k > 0.0:
        raise NotMeasured("fit_failed", "The quoted errors do not follow the error model.")
    return Model(reference - 2.5 * float(np.log10(k)), float(b / k**2))


@dataclass(frozen=True)
class Systematic(BaseMetric):
    """Scatter of bright stars beyond what their quoted errors say: sys of the error model, mmag.

    The pooled variance of stars in bins of magnitude, less the mean square of their quoted
    errors; the mean over the bins, each weighted by how well it knows the difference.
    Negative differences (errors quoted too large) give a negative value. Diagnostics: `m5` and
    `gamma` of the quoted errors, and `pa1_model`, the scatter that model and sys together say
    the stars of PA1 have; a cross-check holds PA1 against it.

    Source: Ivezic et al. (2019), eq. 4 and 5; no requirement asks for it.

    Differs from the peers: validate_drp fits all three parameters to quoted errors alone and
    accepts any m5.

    Not measured when: fewer than 50 stars or 6 bins have a signal to noise of 20, or the fit
    gives an m5 or a gamma that no telescope has.
    """

    id = "photometry.error_model.systematic"
    unit = "mmag"
    title = "Scatter of stars beyond their quoted errors"
    requirements: ClassVar[tuple[str, ...]] = ()
    diagnostic: ClassVar[bool] = True
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": RECIPE}
    locality: ClassVar[Locality] = "object"
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            *(Column(n) for n in ("objectId", "visit", "band", "extendedness")),
            Column("psfFlux", "nJy"),
            Column("psfFluxErr", "nJy"),
            Column("detect_isPrimary", optional=True),
            *(Column(name, optional=True) for name in FLAGS),
        )
    }

    def zero(self) -> KeyedSums:
        """Return the state of no data."""
        return KeyedSums(STEP)

    def fold(self, part: Tables) -> KeyedSums:
        """Return scatter and quoted variance of the stars of one partition, by magnitude."""
        table = part[PRODUCT]
        names = np.asarray(table["band"]).astype(str)
        good = usable(table, "psfFlux")
        keys, values, counts = [], [], {}
        for index, band in enumerate(BANDS):
            here = np.flatnonzero(names == band)
            if not len(here):
                continue
            counts[f"rows_{band}"] = len(here)
            mag, scatter, quoted = self._stars(table, here[good[here]])
            place = np.floor((mag - FIRST) / self.recipe["bin_mag"]).astype(np.int64)
            place = np.clip(place, 0, BINS - 1)
            for kind, variance in enumerate((scatter, quoted)):
                keys.append((index * 2 + kind) * BINS + place)
                values.append(variance)
        if not keys:
            return self.zero()
        return from_values(np.concatenate(keys), np.concatenate(values), STEP, counts)

    def merge(self, a: KeyedSums, b: KeyedSums) -> KeyedSums:
        """Return the sums of both parts."""
        return merge(a, b)

    def finish(self, state: KeyedSums, at: Bindings) -> list[Measurement]:
        """Return the systematic scatter of every band."""
        found = []
        for index, band in enumerate(BANDS):
            if f"rows_{band}" not in state.counts:
                continue
            try:
                value = self._value(state, index, band)
            except NotMeasured as why:
                found.append(self.not_measured(why, band=band))
                continue
            found.append(self.measured(value, band=band))
        return found

    def evidence(self, state: KeyedSums) -> Mapping[str, Table]:
        """Return per band the scatter of each magnitude bin, and what its quoted errors say."""
        found: dict[str, Table] = {}
        for index, band in enumerate(BANDS):
            mag, stars, scatter, quoted = self._bins(state, index)
            if len(mag):
                found[band] = {
                    "value": np.sqrt(scatter),
                    "mag": mag,
                    "quoted": np.sqrt(quoted),
                    "n_stars": stars,
                }
        return found

    def _value(self, state: KeyedSums, index: int, band: str) -> Value:
        mag, stars, scatter, quoted = self._bins(state, index)
        number = int(stars.sum())
        if number < self.recipe["min_stars"] or len(mag) < self.recipe["min_bins"]:
            raise NotMeasured(
                "too_few_stars",
                f"{number} stars in {len(mag)} bins of magnitude are bright enough; the recipe "
                f"needs {self.recipe['min_stars']} in {self.recipe['min_bins']}.",
            )
        if not np.median(scatter) > 1e-6:
            raise NotMeasured("no_scatter", "Stars repeat exactly: they are copies.")
        model = fit_quoted(mag, quoted, stars)
        for name, fitted in (("m5", model.m5), ("gamma", model.gamma)):
            low, high = self.recipe[name]
            if not low <= fitted <= high:
                raise NotMeasured(
                    "fit_unphysical",
                    f"The quoted errors give {name} = {fitted:.4g}, outside {low:g} to {high:g}.",
                )
        # The variance of a variance is in proportion to its square.
        weight = stars / np.maximum(quoted + np.median(scatter), 1e-6) ** 2
        beyond = float(np.average(scatter - quoted, weights=weight))
        whole = Model(model.m5, model.gamma, beyond)
        value = float(np.sign(beyond) * np.sqrt(abs(beyond)))
        notes = {
            "n_units": number,
            "m5": model.m5,
            "gamma": model.gamma,
            "pa1_model": self._pa1(whole, band, mag, stars),
        }
        return Value(value, number, diagnostics=notes)

    def _pa1(self, model: Model, band: str, mag: Floats, stars: Floats) -> float | None:
        """Return the model's scatter of the median star of PA1's range; None without one."""
        low, high = (SATURATION[band] + x for x in self.recipe["bright"])
        inside = (mag >= low) & (mag < high)
        variance = model.variance(mag[inside])
        if not inside.any() or not (variance > 0.0).all():
            return None
        order = np.argsort(variance, kind="stable")
        share = np.cumsum(stars[inside][order])
        return float(np.sqrt(variance[order][np.searchsorted(share, 0.5 * share[-1])]))

    def _bins(self, state: KeyedSums, index: int) -> tuple[Floats, Floats, Floats, Floats]:
        """Return magnitude, stars, scatter and quoted variance of the bins that count."""
        kinds = []
        for kind in (0, 1):
            mine = state.key // BINS == index * 2 + kind
            kinds.append((state.key[mine] % BINS, state.count[mine], state.mean[mine]))
        (place, count, scatter), (_, _, quoted) = kinds
        keep = count >= self.recipe["min_stars_in_bin"]
        mag = FIRST + (place[keep] + 0.5) * self.recipe["bin_mag"]
        return mag, count[keep].astype(np.float64), scatter[keep], quoted[keep]

    def _stars(self, table: Table, rows: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
        """Return mean magnitude, variance and mean square of the quoted error of stars."""
        ids = np.asarray(table["objectId"])[rows]
        order = np.lexsort((np.asarray(table["visit"])[rows], ids))
        rows, ids = rows[order], ids[order]
        if not len(rows):
            return np.empty(0), np.empty(0), np.empty(0)
        starts = np.flatnonzero(np.r_[True, ids[1:] != ids[:-1]])
        count = np.diff(np.r_[starts, len(ids)])
        flux, error, extended = (
            np.asarray(table[n], np.float64)[rows]
            for n in ("psfFlux", "psfFluxErr", "extendedness")
        )
        mag = NJY_ZERO_POINT - 2.5 * np.log10(flux)
        mean = np.add.reduceat(mag, starts) / count
        square = np.add.reduceat((mag - np.repeat(mean, count)) ** 2, starts)
        scatter = 1e6 * square / np.maximum(count - 1, 1)
        quoted = np.add.reduceat((POGSON * error / flux) ** 2, starts) / count
        keep = count >= self.recipe["min_visits"]
        keep &= np.maximum.reduceat(extended, starts) < self.recipe["extendedness_max"]
        keep &= quoted <= (POGSON / self.recipe["snr_min"]) ** 2
        keep &= scatter < LARGEST
        return mean[keep], scatter[keep], quoted[keep]
