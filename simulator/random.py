"""Named random streams: a change in one module never moves another's draws."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from skyassay.simulator.errors import SimulatorError


def rng(seed: int, module: str, *entity: int | str) -> np.random.Generator:
    """Return the random stream of one entity of one module.

    The stream depends on its name alone, never on what was drawn before, so the same
    seed gives the same bytes however the work is split over processes.

    Parameters
    ----------
    seed : int
        Seed of the whole simulation, >= 0.
    module : str
        Who draws, e.g. ``"cadence"``.
    *entity : int or str
        What is drawn for, e.g. a visit id; integers >= 0.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    SimulatorError
        ``bad_seed`` for a negative seed or entity id.
    """
    # SeedSequence ignores trailing zeros, so the number of entities is part of the key.
    key = [seed, len(entity), crc32(module.encode())]
    key += [crc32(e.encode()) if isinstance(e, str) else int(e) for e in entity]
    if min(key) < 0:
        raise SimulatorError(
            f"A random stream needs whole numbers from 0 up, not {min(key)}.",
            code="bad_seed",
            hint="Give --seed 0 or a positive number.",
            exit_code=4,
        )
    return np.random.default_rng(np.random.SeedSequence(key))
