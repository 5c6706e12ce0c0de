"""Charge in the pixels before it is read: the full well, bleeding, the brighter-fatter effect."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def bleed(charge: Floats, full_well: float) -> Floats:
    """Spread what exceeds the full well along the columns, in place.

    Half of the excess of a pixel goes towards the serial register and half away from it,
    each pixel filling to the full well. At the middle of the detector, where the other
    amplifier's column begins, a barrier turns charge back; what reaches the register is
    drained there.

    Parameters
    ----------
    charge : ndarray of float32, shape (n_amp, height, width)
        Electrons in the order of reading: row 0 is next to the register.
    full_well : float
        Electrons.

    Returns
    -------
    ndarray of float32, shape (n_amp, width)
        Electrons drained per column.
    """
    drained = np.zeros((charge.shape[0], charge.shape[2]), dtype=np.float32)
    amps, columns = np.nonzero(charge.max(axis=1) > full_well)
    if not len(amps):
        return drained
    # In double precision: a saturated star holds 1e9 electrons, of which single ones count.
    held = charge[amps, :, columns].T.astype(np.float64)
    half = np.maximum(held - full_well, 0.0) / 2.0
    np.minimum(held, full_well, out=held)
    rows = range(len(held))
    turned_back = _sweep(held, half, np.zeros(held.shape[1]), rows, full_well)
    drained[amps, columns] = _sweep(held, half, turned_back, reversed(rows), full_well)
    charge[amps, :, columns] = held.T
    return drained


def _sweep(
    held: NDArray[np.float64],
    source: NDArray[np.float64],
    carried: NDArray[np.float64],
    rows: Iterable[int],
    full_well: float,
) -> NDArray[np.float64]:
    """Carry charge along the columns over the rows given, filling pixels; return what is left."""
    carried = carried.copy()
    for row in rows:
        # A pixel's own excess finds its pixel full already, so it leaves it in this step.
        carried += source[row]
        taken = np.minimum(full_well - held[row], carried)
        held[row] += taken
        carried -= taken
    return carried


def brighter_fatter(charge: Floats, shift: float) -> None:
    """Move the borders of pixels towards the fuller one, in place; charge is conserved.

    A lowest-order model: the border between two pixels that share a side moves by `shift`
    pixels per electron of their difference, and the charge between the old and the new one
    has the mean density of both (as Antilogus et al. 2014, JINST 9 C03048, kept to the
    nearest neighbours).

    Parameters
    ----------
    charge : ndarray of float32, shape (ny, nx)
        Electrons.
    shift : float
        Pixels per electron.
    """
    if shift == 0.0:
        return
    # Both flows are of the charge before any has moved.
    along = 0.5 * shift * (charge[:-1] ** 2 - charge[1:] ** 2)
    across = 0.5 * shift * (charge[:, :-1] ** 2 - charge[:, 1:] ** 2)
    charge[:-1] -= along
    charge[1:] += along
    charge[:, :-1] -= across
    charge[:, 1:] += across
