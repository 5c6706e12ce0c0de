"""Small samples whose population value is known: for the campaign of intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def draw(
    metric: str,
    targets: Mapping[str, float],
    at: Mapping[str, float],
    share: float,
    size: int,
    seed: int,
) -> Mapping[str, Mapping[str, NDArray[Any]]]:
    """Return a small sample, product by product, whose population value is known exactly.

    Parameters
    ----------
    metric : str
        Metric id.
    targets : mapping
        Band ("" without bands) -> population value, in the metric's unit.
    at : mapping
        Band -> bound parameter of the metric.
    share : float
        Share of the variance in the term that all of a unit shares.
    size : int
        Number of units: visits, nights, sky cells.
    seed : int
    """
    from skyassay.simulator.samples.model import Draw

    drawn: Mapping[str, Mapping[str, NDArray[Any]]] = samplers()[metric].draw(
        Draw(targets, size, seed, share, at)
    )
    return drawn


def samplers() -> Mapping[str, Any]:
    """Return metric id -> how its samples are drawn."""
    from skyassay.simulator.samples.registry import samplers as registered

    return registered()


def simulated_metrics() -> tuple[str, ...]:
    """Return the installed metrics whose population value the simulator can set."""
    from skyassay.metrics.registry import ids

    known = samplers()
    return tuple(metric for metric in ids() if metric in known)
