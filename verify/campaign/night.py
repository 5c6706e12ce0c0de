"""A night, top to bottom: what has changed, alerts, the clock, verdicts."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skyassay.verify.campaign.demonstration import NIGHT, Demo, judged, silent
from skyassay.verify.campaign.making import process, simulate_night
from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skyassay.pipeline.distribution.distribute import Report
    from skyassay.pipeline.execution.report import RunReport


#: Users' streams of the demonstration: predefined filters.
FILTERS = {name: name for name in ("bright", "reliable", "new", "solar_system")}


def demonstrate_night(
    preset: str,
    seed: int,
    directory: Path,
    say: Callable[[str], None] = silent,
    progress: Callable[[int], None] | None = None,
) -> Demo:
    """Simulate the night after the images of `demonstrate_pixels`, process, measure and judge it.

    Parameters
    ----------
    preset : str
        ``tiny``, ``small`` or ``medium``.
    seed : int
        That of the images.
    directory : Path
        Where `demonstrate_pixels` has been; frames and alerts go to its folder ``images``.
    say, progress : callable, optional
        As `demonstrate`.

    Raises
    ------
    SimulatorError, RepositoryError, ExecutionError, DistributionError, ClockError
    """
    from skyassay.pipeline.repository import names
    from skyassay.verify.butler.source import open_collection

    folder = directory / "images"
    repo = folder / "repo"
    for name in ("night", "alerts"):
        shutil.rmtree(folder / name, ignore_errors=True)
    say(f"Drawing a night, with and without injected sources: preset {preset}, seed {seed} ...")
    made, _ = simulate_night(preset, seed, folder / "night", repo, overwrite=True)
    day = int(made.raws[0].parent.name)
    say("Averaging the earlier nights into templates ...")
    say(_whole(process(str(repo), "template")))
    say("Subtracting, detecting, associating ...")
    for kind in ("prompt", "injected"):
        say(_whole(process(str(repo), kind, where=f"day_obs = {day}")))
    say("Sending alerts ...")
    say(send_alerts(str(repo), day, folder / "alerts", filters=FILTERS).statement())
    source = open_collection(str(repo), names.NIGHT, names.TRUTH_NIGHT)
    command = f"assay demo --preset {preset} --seed {seed} (night)"
    return judged(source, command, directory, "report-night", f"{NIGHT}{preset}", say, progress)


def _whole(done: RunReport) -> str:
    """Return what a run did.

    Raises
    ------
    VerifyError
        ``stopped`` where a signal ended it: half a night is not judged.
    """
    if done.stopped:
        raise VerifyError(
            f"The night was stopped by {done.stopped}: what was finished is kept.",
            code="stopped",
            hint="assay process and assay verify go on from there.",
        )
    return done.statement()


def send_alerts(
    repo: str,
    day: int,
    folder: Path,
    *,
    prompt: str | None = None,
    kafka: str | None = None,
    filters: Mapping[str, str] | None = None,
) -> Report:
    """Send the alerts of a night to five full streams and the streams of user filters.

    Parameters
    ----------
    repo : str
    day : int
        Day of observation, yyyymmdd.
    folder : Path
        Gets the delivery log, the archive and, without Kafka, the streams.
    prompt : str, optional
        Chain of the prompt processing; the usual one where not given.
    kafka : str, optional
        Bootstrap servers.
    filters : mapping, optional
        Stream -> expression over packets, or the name of a predefined one.

    Raises
    ------
    RepositoryError, DistributionError, ClockError
    """
    from skyassay.pipeline.distribution.kafka import KafkaSink
    from skyassay.pipeline.distribution.streams import user_stream
    from skyassay.pipeline.night import Night, add_table, send_night
    from skyassay.pipeline.repository import names

    users = tuple(user_stream(name, text) for name, text in (filters or {}).items())
    sink = KafkaSink(kafka) if kafka else None
    report = send_night(repo, Night(day, folder, users, sink), prompt=prompt or names.PROMPT)
    add_table(repo, "night_report", _timed_reports(repo))
    return report


def _timed_reports(repo: str) -> Mapping[str, NDArray[Any]]:
    """Return when the reports of the night in a repository are complete."""
    from skyassay.pipeline.repository import names
    from skyassay.verify.butler.opening import open_repository
    from skyassay.verify.butler.source import NO_TRUTH, open_collection
    from skyassay.verify.night.times import time_reports

    # What is open has not heard of what was entered since.
    open_repository.cache_clear()
    try:
        return time_reports(open_collection(repo, names.NIGHT, NO_TRUTH))
    finally:
        open_repository.cache_clear()
