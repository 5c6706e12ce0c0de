"""What a delivery log says, as arrays: which alert was acknowledged by which stream, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Deliveries:
    """The log of a night; arrays of shape (m,), a row for each alert that a stream is to get.

    Attributes
    ----------
    streams : tuple of str
        Names.
    full : tuple of bool
        Which of them get every alert.
    stream : ndarray of int64
        Index into `streams`.
    alert : ndarray of int64
        diaSourceId.
    acknowledged : ndarray of float64
        Unix time of the delivery report without error, s; NaN where none came.
    late : ndarray of float64
        From the first offer of the alert to its acknowledgement by a later session, s; 0 where
        the session that offered it first also delivered it.
    code : ndarray of str
        Why it was not acknowledged, where a report said so.
    """

    streams: tuple[str, ...]
    full: tuple[bool, ...]
    stream: NDArray[np.int64]
    alert: NDArray[np.int64]
    acknowledged: NDArray[np.float64]
    late: NDArray[np.float64]
    code: NDArray[np.str_]
