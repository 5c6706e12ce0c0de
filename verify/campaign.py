"""The whole way of the data, top to bottom. A newcomer begins here.

This is the only file of `verify` that knows the simulator.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

if TYPE_CHECKING:
    from skyassay.simulator.release import Release


def simulate(preset: str, seed: int, out_dir: Path, *, overwrite: bool = False) -> Release:
    """Simulate a release at catalog level and write its products.

    Parameters
    ----------
    preset : str
        ``tiny`` or ``small``.
    seed : int
        The same seed gives the same bytes.
    out_dir : Path
    overwrite : bool
        Replace another release in `out_dir`.

    Returns
    -------
    skyassay.simulator.release.Release
        Where each product is, and the manifest.

    Raises
    ------
    skyassay.simulator.errors.SimulatorError
    """
    from skyassay.simulator.release import simulate_release

    return simulate_release(preset, seed, out_dir, overwrite=overwrite)


def sample(
    metric: str,
    target: float | Mapping[str, float],
    share: float,
    visits: int,
    stars: int,
    seed: int,
    *,
    bands: tuple[str, ...],
    at: Mapping[str, float],
) -> dict[str, NDArray[Any]]:
    """Return a small `matched_source` table whose population value is known exactly.

    Parameters
    ----------
    metric : str
        Metric id.
    target : float or mapping
        Population value, in the metric's unit, in all bands or per band.
    share : float
        Share of the variance of one measurement that its whole visit shares.
    visits, stars, seed : int
    bands : tuple of str
    at : mapping
        Band -> bound parameter of the metric.
    """
    from skyassay.simulator.sample import campaign_tables

    return campaign_tables(metric, target, share, visits, stars, seed, bands=bands, at=at)


def simulated_metrics() -> tuple[str, ...]:
    """Return the installed metrics whose population value the simulator knows."""
    from skyassay.metrics.registry import ids
    from skyassay.simulator.quantities import QUANTITIES

    known = {quantity.metric for quantity in QUANTITIES}
    return tuple(metric for metric in ids() if metric in known)
