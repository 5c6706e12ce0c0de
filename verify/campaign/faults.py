"""Declared faults on simulated tables: each must flip what it says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from skyassay.verify.faults.judge import doses, judge
from skyassay.verify.faults.model import Response, Trial
from skyassay.verify.faults.run import try_fault

if TYPE_CHECKING:
    from skyassay.simulator.faults.model import Fault

#: Told the trials done and all of them.
Progress = Callable[[int, int], None]


def declared(names: Sequence[str] = ()) -> list[Fault]:
    """Return the faults by name; all that act on tables where none is named.

    Raises
    ------
    SimulatorError
        ``unknown_fault``.
    """
    from skyassay.simulator.faults.model import fault, faults

    return [fault(name) for name in names] if names else list(faults().values())


def run_faults(
    names: Sequence[str] = (),
    seeds: Sequence[int] = (1, 2, 3, 4),
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[list[Response], list[Trial]]:
    """Try faults at every dose with every seed, and compare with what is declared.

    Parameters
    ----------
    names : sequence of str
        Fault ids; all where none is given.
    seeds : sequence of int
    workers : int
        Processes.
    progress : callable, optional
    """
    chosen = declared(names)
    jobs = [(fault.id, seed) for fault in chosen for seed in seeds]
    trials: list[Trial] = []
    for number, found in enumerate(_mapped(_one, jobs, workers), start=1):
        trials += found
        if progress is not None:
            progress(number, len(jobs))
    responses = [
        response
        for fault in chosen
        for response in judge(fault, [t for t in trials if t.fault == fault.id])
    ]
    return responses, trials


def _mapped(
    function: Callable[[tuple[str, int]], list[Trial]], jobs: list[tuple[str, int]], workers: int
) -> Any:
    if workers == 1:
        return map(function, jobs)
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(function, jobs))


def _one(job: tuple[str, int]) -> list[Trial]:
    """Return the trials of one fault with one seed."""
    (fault,) = declared([job[0]])
    tables, act = _base(fault.base, job[1]), _action(fault.id)
    return try_fault(fault.id, fault.criteria, tables, act, doses(fault), job[1])


def _base(base: str, seed: int) -> Mapping[str, Any]:
    """Return the sound tables that a fault acts on."""
    if base == "night":
        from skyassay.simulator.faults.night import base_night

        return base_night(seed)
    from skyassay.simulator.presets import CAMPAIGN
    from skyassay.simulator.release import release_tables
    from skyassay.simulator.twin import Twin

    return release_tables(CAMPAIGN, seed, Twin())


def _action(name: str) -> Any:
    from skyassay.simulator.faults import catalog, night

    return {**catalog.ACTIONS, **night.ACTIONS}[name]
