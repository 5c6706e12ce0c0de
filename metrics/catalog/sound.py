"""Which values of a column are sound, and which rows are flagged."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Table

Bools = NDArray[np.bool_]


def flag(table: Table, name: str) -> Bools:
    """Return a flag, False where the table has none."""
    if name not in table:
        return np.zeros(len(next(iter(table.values()))), dtype=bool)
    return np.asarray(table[name]).astype(bool)


def positive(values: NDArray[Any]) -> Bools:
    """Return which values are finite and above zero."""
    x = np.asarray(values, dtype=np.float64)
    return np.isfinite(x) & (np.where(np.isfinite(x), x, 0.0) > 0.0)
