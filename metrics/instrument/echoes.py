"""A state of crosstalk residuals: sums per pair of amplifiers, exact in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table
from skyassay.metrics.states import extremes, keyed_sums
from skyassay.metrics.states.extremes import Extremes
from skyassay.metrics.states.keyed_sums import KeyedSums
from skyassay.metrics.unit_family import number

Floats = NDArray[np.float64]
#: More amplifiers than this no detector has; detectors and pairs make one number of them.
_MOST_AMPS = 1024
#: Stars, echoes and products of both beyond these are mistakes in the table.
_MOST, _MOST_SIGNIFICANT, _MOST_PRODUCT = 1e7, 1e6, 1e9
#: Steps of the sums of brightness, of echo times brightness, and of the echo.
_STEPS = (1e-2, 1.0, 1e-3)


def _none(step: float) -> KeyedSums:
    return KeyedSums(step)


@dataclass(frozen=True, eq=False)
class Echoes:
    """Sums per pair of amplifiers of one detector.

    With u, the flux of the bright star over the error of a faint one's at the mirrored place,
    and z, the significance of what is there: the sums of u and u^2, of u z, and of z^2, and
    the largest u.

    Attributes
    ----------
    bright, product, echo : KeyedSums
        Of u, of u z, of z.
    brightest : Extremes
        Of u.
    visits : KeyedSums
        How often each visit was seen.
    lost : int
        Rows without sound numbers.
    """

    bright: KeyedSums = field(default_factory=lambda: _none(_STEPS[0]))
    product: KeyedSums = field(default_factory=lambda: _none(_STEPS[1]))
    echo: KeyedSums = field(default_factory=lambda: _none(_STEPS[2]))
    brightest: Extremes = field(default_factory=Extremes)
    visits: KeyedSums = field(default_factory=lambda: _none(1.0))
    lost: int = 0

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        parts = (self.bright, self.product, self.echo, self.brightest, self.visits)
        return b"\1".join([*(p.to_bytes() for p in parts), str(self.lost).encode()])


def from_table(table: Table) -> Echoes:
    """Return the sums of one partition of `crosstalk_residual`."""
    flux, error = number(table, "psfFlux"), number(table, "psfFluxErr")
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        u, z = number(table, "aggressorFlux") / error, flux / error
        good = np.isfinite(u) & np.isfinite(z) & (error > 0.0) & (u > 0.0)
        good &= (u < _MOST) & (np.abs(z) < _MOST_SIGNIFICANT) & (np.abs(u * z) < _MOST_PRODUCT)
    key, u, z = _pair(table)[good], u[good], z[good]
    ones = np.ones(int(good.sum()))
    return Echoes(
        keyed_sums.from_values(key, u, _STEPS[0]),
        keyed_sums.from_values(key, u * z, _STEPS[1]),
        keyed_sums.from_values(key, z, _STEPS[2]),
        extremes.from_values(key, u),
        keyed_sums.from_values(np.asarray(table["visit"]).astype(np.int64)[good], ones, 1.0),
        int((~good).sum()),
    )


def merge(a: Echoes, b: Echoes) -> Echoes:
    """Return the sums of both."""
    return Echoes(
        keyed_sums.merge(a.bright, b.bright),
        keyed_sums.merge(a.product, b.product),
        keyed_sums.merge(a.echo, b.echo),
        extremes.merge(a.brightest, b.brightest),
        keyed_sums.merge(a.visits, b.visits),
        a.lost + b.lost,
    )


def squares(sums: KeyedSums) -> Floats:
    """Return the sums of squares per key."""
    high, low = sums.square_high.astype(np.float64), sums.square_low.astype(np.float64)
    return np.asarray((high * 2.0**32 + low) * sums.step**2)


def places(key: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return detector, source and target amplifier of pairs."""
    return {
        "detector": key // _MOST_AMPS**2,
        "sourceAmp": key // _MOST_AMPS % _MOST_AMPS,
        "targetAmp": key % _MOST_AMPS,
    }


def _pair(table: Table) -> NDArray[np.int64]:
    """Return one number per ordered pair of amplifiers of a detector."""
    detector, source, target = (
        np.asarray(table[n]).astype(np.int64) for n in ("detector", "sourceAmp", "targetAmp")
    )
    return (detector * _MOST_AMPS + source) * _MOST_AMPS + target
