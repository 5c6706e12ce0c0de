"""Small catalogs with known truth, and a short way to measure them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from skyassay.metrics.contract import Measurement
from skyassay.metrics.family import PRODUCT
from skyassay.metrics.registry import make

Table = dict[str, np.ndarray]
#: Degree per milliarcsecond.
DEGREE = 1.0 / 3.6e6


def _stars(
    mag: Any = 18.0,
    ra: Any = 150.0,
    dec: Any = 0.0,
    *,
    shape: tuple[int, int] | None = None,
    band: str = "i",
    first_star: int = 1,
    first_visit: int = 1,
    snr: float = 1000.0,
    extendedness: Any = 0.0,
) -> Table:
    """Return a row for every finite magnitude of an array (star, visit)."""
    shape = shape or np.broadcast_shapes(np.shape(mag), np.shape(ra), np.shape(dec))
    mag, ra, dec, ext = (
        np.broadcast_to(np.asarray(v, dtype=float), shape) for v in (mag, ra, dec, extendedness)
    )
    star, visit = np.indices(shape)
    seen = np.isfinite(mag)
    flux = 10.0 ** ((31.4 - mag[seen]) / 2.5)
    return {
        "objectId": first_star + star[seen],
        "visit": first_visit + visit[seen],
        "band": np.full(seen.sum(), band),
        "coord_ra": ra[seen] % 360.0,
        "coord_dec": dec[seen].copy(),
        "psfFlux": flux,
        "psfFluxErr": flux / snr,
        "extendedness": ext[seen].copy(),
    }


def _joined(*tables: Table) -> Table:
    return {name: np.concatenate([t[name] for t in tables]) for name in tables[0]}


def _taken(table: Table, index: Any) -> Table:
    return {name: column[index] for name, column in table.items()}


def _measure(
    metric: str, table: Table, recipe: str = "srd", at: Mapping[str, Any] | None = None
) -> list[Measurement]:
    made = make(metric, recipe)
    return made.finish(made.fold({PRODUCT: table}), at or {})


def _field(n_stars: int, arcmin: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return ra and dec, shape (n_stars, 1): two tight groups `arcmin` apart on the equator."""
    rng = np.random.default_rng(seed)
    scatter = 10.0 / 3600.0
    ra = 150.0 + (np.arange(n_stars) % 2) * arcmin / 60.0 + rng.uniform(-1, 1, n_stars) * scatter
    dec = rng.uniform(-1, 1, n_stars) * scatter
    return ra[:, None], dec[:, None]


@pytest.fixture(scope="session")
def stars() -> Callable[..., Table]:
    """Make a catalog from an array (star, visit)."""
    return _stars


@pytest.fixture(scope="session")
def joined() -> Callable[..., Table]:
    """Put catalogs together."""
    return _joined


@pytest.fixture(scope="session")
def taken() -> Callable[..., Table]:
    """Take rows of a catalog."""
    return _taken


@pytest.fixture(scope="session")
def measure() -> Callable[..., list[Measurement]]:
    """Measure a catalog: every measurement of one metric."""
    return _measure


@pytest.fixture(scope="session")
def measure_one() -> Callable[..., Measurement]:
    """Measure a catalog that gives one measurement."""

    def one(*words: Any, **named: Any) -> Measurement:
        (found,) = _measure(*words, **named)
        return found

    return one


@pytest.fixture(scope="session")
def field() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Make two groups of stars a given distance apart."""
    return _field
