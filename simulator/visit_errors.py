"""Draws the error terms that a visit shares, and writes them down as truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.simulator.error_model import ErrorModel
from skyassay.simulator.random import rng

Table = dict[str, NDArray[Any]]
DETECTORS = 9


def with_errors(visits: Table, model: ErrorModel, seed: int) -> Table:
    """Return the complete `truth_visit` product: conditions and every drawn shared term.

    Parameters
    ----------
    visits : dict
        As `cadence.visits` makes it.
    model : ErrorModel
    seed : int

    Returns
    -------
    dict
        `visits` and ``zeroPointOffset`` (mag), ``zeroPointOffset_detectorK`` (mag, beyond
        the visit's), ``raOffset``, ``decOffset`` (mas, along the pointing's east and north,
        the band's constant offset not included), ``scaleOffset``, ``shear1Offset``,
        ``shear2Offset``, ``inTail``.
    """
    # Separate streams: one more term of one kind does not move those of the other.
    phot = _draws(visits["visit"], seed, "visit_errors.photometry", 1 + DETECTORS)
    astro = _draws(visits["visit"], seed, "visit_errors.astrometry", 5)
    uniform = np.array([rng(seed, "visit_errors.tail", int(v)).random() for v in visits["visit"]])

    def size(term: str) -> NDArray[np.float64]:
        return np.array([getattr(model[str(b)], term) for b in visits["band"]])

    tail = uniform < size("tail_fraction")
    factor = np.where(tail, size("tail_scale"), 1.0)
    local = 1e-3 * size("zero_point_detector_mmag")
    return {
        **visits,
        "zeroPointOffset": 1e-3 * factor * size("zero_point_visit_mmag") * phot[0],
        "raOffset": factor * size("translation_mas") * astro[0],
        "decOffset": factor * size("translation_mas") * astro[1],
        "scaleOffset": factor * size("scale") * astro[2],
        "shear1Offset": factor * size("shear") * astro[3],
        "shear2Offset": factor * size("shear") * astro[4],
        "inTail": tail,
        **{f"zeroPointOffset_detector{k}": local * phot[1 + k] for k in range(DETECTORS)},
    }


def _draws(ids: NDArray[np.int64], seed: int, module: str, count: int) -> NDArray[np.float64]:
    """Return `count` normal variates per visit, shape (count, visits)."""
    return np.stack([rng(seed, module, int(v)).standard_normal(count) for v in ids], axis=1)
