"""What crosstalk correction leaves of bright stars: Xtalk (LSE-61, DMS-REQ-0359)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from skyassay.metrics.contract import (
    Bindings,
    Column,
    Interval,
    Locality,
    Measurement,
    Recipe,
    Table,
    Tables,
)
from skyassay.metrics.instrument import echoes
from skyassay.metrics.instrument.echoes import Echoes, places, squares
from skyassay.metrics.plugin import BaseMetric, NotMeasured, Value
from skyassay.metrics.statistics.bounds import ONE_SIDED_ALPHA, TWO_SIDED_ALPHA
from skyassay.metrics.unit_family import MOST_MISSING, spread

Floats = NDArray[np.float64]
PRODUCT = "crosstalk_residual"
SRD_XTALK = Recipe(
    "srd",
    {
        "min_pairs": 10,
        "min_visits": 3,
        "min_freedom": 30,
        "statistic": "largest over pairs of amplifiers of |coupling| * brightest star / its error",
        "coupling": "weighted least squares through 0 over all bright stars of the pair",
        "errors": "quoted, times the root of the reduced chi square where that is above 1",
    },
)


@dataclass(frozen=True)
class Pairs:
    """What the bright stars of every pair of amplifiers say.

    Attributes
    ----------
    key : ndarray of int64, shape (n,)
    significance : ndarray, shape (n,)
        Of the echo of the brightest star of the pair, with its sign.
    error : ndarray, shape (n,)
        Standard error of it.
    freedom : int
        Echoes less pairs.
    reduced : float
        Chi square of the echoes about the fitted couplings, per degree of freedom.
    """

    key: NDArray[np.int64]
    significance: Floats
    error: Floats
    freedom: int
    reduced: float


class CrosstalkResidual(BaseMetric):
    """Largest significance, over the PSF, of what imperfect crosstalk correction leaves.

    LSE-61, DMS-REQ-0359, table of section 5.1.1. Where the place of a bright star is mirrored
    into another amplifier a PSF-weighted flux was measured. A residual coupling is fitted to
    all of them of one ordered pair of amplifiers; with it, the brightest star of the pair
    leaves an echo of so many times the error of a faint star's flux. The value is the largest
    of these, whatever its sign: a single place says nothing, for of a thousand places without
    any echo three are beyond 3 sigma by chance. Interval: simultaneous for all pairs (Sidak).

    Differs from the peers: cp_pipe fits couplings and keeps them as calibration; none tells what
    is left.
    Not measured when: fewer than 10 pairs of amplifiers, 3 visits or 30 degrees of freedom, or
    more than 5 % of the rows have no sound numbers.
    """

    id = "instrument.crosstalk.residual"
    unit = ""
    title = "Significance of crosstalk residuals (Xtalk)"
    requirements = ("DMS-REQ-0359/Xtalk",)
    recipes: ClassVar[Mapping[str, Recipe]] = {"srd": SRD_XTALK}
    locality: ClassVar[Locality] = "row"
    error_units: ClassVar[tuple[str, ...]] = ("place",)
    inputs: ClassVar[Mapping[str, tuple[Column, ...]]] = {
        PRODUCT: (
            Column("visit"),
            Column("detector"),
            Column("sourceAmp"),
            Column("targetAmp"),
            Column("aggressorFlux", "nJy"),
            Column("psfFlux", "nJy"),
            Column("psfFluxErr", "nJy"),
        )
    }

    def zero(self) -> Echoes:
        """Return the state of no data."""
        return Echoes()

    def fold(self, part: Tables) -> Echoes:
        """Return the sums of one partition."""
        return echoes.from_table(part[PRODUCT])

    def merge(self, a: Echoes, b: Echoes) -> Echoes:
        """Return the sums of both parts."""
        return echoes.merge(a, b)

    def finish(self, state: Echoes, at: Bindings) -> list[Measurement]:
        """Return the one measurement; none when there was no row at all."""
        rows = int(state.bright.count.sum())
        if not rows + state.lost:
            return []
        try:
            return [self.measured(self._value(state), n_rejected=state.lost)]
        except NotMeasured as why:
            return [self.not_measured(why, n=rows, n_rejected=state.lost)]

    def evidence(self, state: Echoes) -> Mapping[str, Table]:
        """Return the significance of the brightest star's echo for every pair."""
        try:
            pairs = self.pairs(state)
        except NotMeasured:
            return {}
        some = spread(len(pairs.key))
        where = {n: c[some] for n, c in places(pairs.key).items()}
        return {"": {"value": pairs.significance[some], "error": pairs.error[some], **where}}

    def pairs(self, state: Echoes) -> Pairs:
        """Return what the pairs of amplifiers say.

        Raises
        ------
        NotMeasured
            ``rows_incomplete``, ``too_few_pairs``, ``too_few_visits``, ``too_few_echoes``.
        """
        self._refuse(state)
        uu, uz = squares(state.bright), state.product.total * state.product.step
        coupling = uz / uu
        freedom = int(state.bright.count.sum()) - len(uu)
        chi = float((squares(state.echo) - coupling * uz).sum())
        reduced = max(chi, 0.0) / freedom
        scale = np.sqrt(max(reduced, 1.0))
        top = state.brightest.high
        return Pairs(state.bright.key, coupling * top, scale * top / np.sqrt(uu), freedom, reduced)

    def _refuse(self, state: Echoes) -> None:
        rows, pairs = int(state.bright.count.sum()), len(state.bright.key)
        if state.lost > MOST_MISSING * (rows + state.lost):
            raise NotMeasured(
                "rows_incomplete",
                f"{state.lost} of {rows + state.lost} places have no sound flux and error.",
            )
        if pairs < self.recipe["min_pairs"]:
            raise NotMeasured("too_few_pairs", f"Bright stars are in {pairs} pairs of amplifiers.")
        if len(state.visits.key) < self.recipe["min_visits"]:
            raise NotMeasured("too_few_visits", f"{len(state.visits.key)} visits have any.")
        if rows - pairs < self.recipe["min_freedom"]:
            raise NotMeasured(
                "too_few_echoes",
                f"{rows} places in {pairs} pairs of amplifiers: whether the quoted errors hold "
                "cannot be told.",
            )

    def _value(self, state: Echoes) -> Value:
        pairs = self.pairs(state)
        if not squares(state.echo).sum() > 0.0:
            raise NotMeasured("no_scatter", "Every place has a flux of exactly 0.")
        size = np.abs(pairs.significance)
        worst = int(np.argmax(size))
        where = {n: int(c[worst]) for n, c in places(pairs.key).items()}
        notes = {
            "n_units": len(state.visits.key),
            "n_pairs": len(size),
            "rms_significance": float(np.sqrt(squares(state.echo).sum() / state.echo.count.sum())),
            "reduced_chi2": pairs.reduced,
            **{f"worst_{n}": k for n, k in where.items()},
        }
        interval = _simultaneous(size, pairs.error)
        return Value(float(size[worst]), int(state.echo.count.sum()), interval, diagnostics=notes)


def _simultaneous(size: Floats, error: Floats) -> Interval:
    """Return the interval of the largest of many sizes, each with a normal error.

    All are within their bounds together with the stated confidence, so the largest is within
    the largest bounds.
    """
    (low, high), (lower, upper) = (
        _bounds(size, error, alpha) for alpha in (TWO_SIDED_ALPHA, ONE_SIDED_ALPHA)
    )
    return Interval(
        low=low,
        high=high,
        confidence=1.0 - 2.0 * TWO_SIDED_ALPHA,
        method=f"simultaneous over {len(size)} pairs of amplifiers (Sidak)",
        lower=lower,
        upper=upper,
        one_sided_confidence=1.0 - ONE_SIDED_ALPHA,
    )


def _bounds(size: Floats, error: Floats, alpha: float) -> tuple[float, float]:
    """Return bounds of the largest size at a one-sided tail."""
    each = -np.expm1(np.log1p(-alpha) / len(size))
    reach = -float(ndtri(each)) * error
    return float(np.max(np.maximum(size - reach, 0.0))), float(np.max(size + reach))
