"""Ids of sources: visit, detector and number packed into 63 bits."""

from __future__ import annotations

import datetime

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.products.errors import ProductError

#: Bits: days since 2000, number of the visit in its night, detector, number of the source.
_DAY, _SEQUENCE, _DETECTOR, _NUMBER = 14, 14, 8, 27
_EPOCH = datetime.date(2000, 1, 1)
VISITS_A_NIGHT = 100_000


def source_ids(visit: int, detector: int, count: int) -> NDArray[np.int64]:
    """Return the ids of the sources 0 .. count-1 of a visit and detector.

    Parameters
    ----------
    visit : int
        yyyymmdd x 100,000 + number in the night.
    detector, count : int

    Raises
    ------
    ProductError
        ``id_overflow`` where a part does not fit.
    """
    night, sequence = divmod(visit, VISITS_A_NIGHT)
    try:
        day = (datetime.date(night // 10_000, night // 100 % 100, night % 100) - _EPOCH).days
    except ValueError as error:
        raise _overflow(visit, detector, count) from error
    parts = ((day, _DAY), (sequence, _SEQUENCE), (detector, _DETECTOR), (count, _NUMBER))
    if any(not 0 <= value < 1 << size for value, size in parts):
        raise _overflow(visit, detector, count)
    head = ((day << _SEQUENCE | sequence) << _DETECTOR | detector) << _NUMBER
    return np.asarray(head + np.arange(count, dtype=np.int64))


def _overflow(visit: int, detector: int, count: int) -> ProductError:
    return ProductError(
        f"Source ids cannot be made for {count} sources of visit {visit}, detector {detector}.",
        code="id_overflow",
        hint="Visits are numbered yyyymmdd x 100,000 + number, detectors below 256.",
    )
