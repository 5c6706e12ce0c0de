"""Makes many frames in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from skyassay.simulator.errors import SimulatorError
from skyassay.simulator.exposure.frames import FrameMaker, Made, Observatory
from skyassay.simulator.exposure.plan import Frame

#: Called with the frames made and all frames.
Progress = Callable[[int, int], None]
#: Frames that a process is given at a time.
_CHUNK = 8
#: The maker of a worker process.
_worker: list[FrameMaker] = []
Job = tuple[Frame, int]


def _begin(observatory: Observatory, directory: Path) -> None:
    _worker[:] = [observatory.maker(directory)]


def _make(job: Job) -> Made:
    return _worker[0].make(*job)


def all_made(
    observatory: Observatory,
    frames: list[Frame],
    directory: Path,
    workers: int,
    progress: Progress | None,
) -> Iterator[Made]:
    """Make all frames, and return them in the order of exposures and detectors.

    Raises
    ------
    SimulatorError
        ``worker_died``; ``not_writable`` where the disk is full or not ours.
    """
    detectors = [d.id for d in observatory.camera.detectors]
    # Detector by detector: a process keeps the one that it has.
    jobs: list[Job] = [(frame, d) for d in detectors for frame in frames]
    found: list[Made] = []
    try:
        for made in _mapped(observatory, jobs, directory, workers):
            found.append(made)
            if progress is not None:
                progress(len(found), len(jobs))
    except OSError as error:
        raise SimulatorError(
            f"No frame can be written to {directory}: {error.strerror or error}.",
            code="not_writable",
            hint="Make room there, or choose another --out; what was written can go.",
        ) from error
    for k in range(len(frames)):
        for d in range(len(detectors)):
            yield found[d * len(frames) + k]


def _mapped(
    observatory: Observatory, jobs: list[Job], directory: Path, workers: int
) -> Iterator[Made]:
    if workers <= 1:
        maker = observatory.maker(directory)
        yield from (maker.make(*job) for job in jobs)
        return
    # A fresh process: nothing of this one, its threads least of all, decides a frame.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_begin, initargs=(observatory, directory)
    ) as pool:
        try:
            yield from pool.map(_make, jobs, chunksize=_CHUNK)
        except BrokenProcessPool as error:
            raise SimulatorError(
                "A process that makes frames has died.",
                code="worker_died",
                hint="Often it is memory: give fewer --workers.",
            ) from error
