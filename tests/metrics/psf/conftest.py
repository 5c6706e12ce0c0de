"""Images of stars with given moments, and a short way to measure them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement
from skyassay.metrics.registry import make

Table = dict[str, np.ndarray]
SIZE = (0.69 / 2.3548200450309493 / 0.2) ** 2


def moments(e1: Any, e2: Any, name: str = "") -> Table:
    e1, e2 = np.asarray(e1, dtype=float), np.asarray(e2, dtype=float)
    size = SIZE / np.sqrt(1.0 - e1**2 - e2**2)
    return {f"ixx{name}": size * (1 + e1), f"ixy{name}": size * e2, f"iyy{name}": size * (1 - e1)}


def _images(
    e: np.ndarray, residual: Any = 0.0, band: str = "r", **columns: Any
) -> dict[str, Table]:
    """Return `source` and `visit_table` of distortions `e`, shape (2, visits, stars)."""
    _, visits, stars = e.shape
    n = visits * stars
    residual = np.broadcast_to(residual, e.shape)
    star = np.tile(np.arange(stars), visits)
    source = {
        "sourceId": np.arange(n),
        "visit": np.repeat(np.arange(visits) + 1, stars),
        "detector": np.zeros(n, dtype=np.int32),
        "band": np.full(n, band),
        # a group of two, half an arcmin apart, every 12 arcmin
        "coord_ra": 10.0 + 0.2 * (star // 2) + (star % 2) / 120.0,
        "coord_dec": np.zeros(n),
        "psfFlux": np.full(n, 1e6),
        "psfFluxErr": np.full(n, 1e3),
        "extendedness": np.zeros(n),
        "calib_psf_reserved": np.ones(n, dtype=bool),
        "calib_psf_used": np.zeros(n, dtype=bool),
        **moments(*(e + residual).reshape(2, -1)),
        **moments(*e.reshape(2, -1), name="PSF"),
    }
    for name, column in columns.items():
        source[name] = np.broadcast_to(column, (visits, stars)).ravel().copy()
    visit_table = {
        "visit": np.arange(visits) + 1,
        "expMidptMJD": 61000.0 + np.arange(visits),
        "zenithDistance": np.full(visits, 5.0),
    }
    return {"source": source, "visit_table": visit_table}


@pytest.fixture(scope="session")
def images() -> Callable[..., dict[str, Table]]:
    return _images


@pytest.fixture(scope="session")
def measured() -> Callable[..., list[Measurement]]:
    """Measure tables with one metric of this family."""

    def go(
        metric: str, tables: Mapping[str, Table], at: Mapping[str, Any] | None = None
    ) -> list[Measurement]:
        made = make(f"psf.{metric}")
        return made.finish(made.fold(tables), at or {})

    return go
