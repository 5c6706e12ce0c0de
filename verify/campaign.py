"""The whole way of the data, top to bottom. A newcomer begins here.

This is the only file of `verify` that knows the simulator.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
