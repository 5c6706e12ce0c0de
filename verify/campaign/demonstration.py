"""The whole way of the data, top to bottom: simulate, process, measure, judge, report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skyassay.verify.campaign.making import process, simulate, simulate_pixels

if TYPE_CHECKING:
    from skyassay.verify.measuring import Measured
    from skyassay.verify.report.model import ReleaseReport
    from skyassay.verify.tables.source import FileSource

#: What stands before the size of a night where a preset is named.
NIGHT = "night-"


@dataclass(frozen=True)
class Demo:
    """What one run of the demonstration made.

    Attributes
    ----------
    report : ReleaseReport
    store, page : Path
        The evidence store and the HTML report.
    as_expected : mapping
        Criterion id -> (verdict, what ``nominal.yaml`` expects), for every criterion it names.
    """

    report: ReleaseReport
    store: Path
    page: Path
    as_expected: Mapping[str, tuple[str, tuple[str, ...]]]


def silent(_line: str) -> None:
    """Say nothing."""


def demonstrate(
    preset: str,
    seed: int,
    directory: Path,
    say: Callable[[str], None] = silent,
    progress: Callable[[int], None] | None = None,
) -> Demo:
    """Simulate a release of tables, measure it, judge it and report.

    Parameters
    ----------
    preset : str
        ``tiny``, ``small`` or ``medium``.
    seed : int
    directory : Path
        Where the release, the store and the report go.
    say : callable, optional
        Told each step in one line.
    progress : callable, optional
        Told the partitions measured so far.
    """
    from skyassay.verify.tables import open_tables

    say(f"Simulating tables: preset {preset}, seed {seed} ...")
    release = simulate(preset, seed, directory / "release", overwrite=True)
    source = open_tables({name: str(path) for name, path in release.products.items()})
    command = f"assay demo --preset {preset} --seed {seed}"
    return judged(source, command, directory, "report", preset, say, progress)


def demonstrate_pixels(
    preset: str,
    seed: int,
    directory: Path,
    say: Callable[[str], None] = silent,
    progress: Callable[[int], None] | None = None,
) -> Demo:
    """Simulate raw frames, process them in a Butler repository, measure, judge and report.

    Parameters
    ----------
    preset : str
        ``tiny``, or the frames of ``small`` for all others.
    seed : int
    directory : Path
        Frames and repository go to its folder ``images``, which is made anew.
    say, progress : callable, optional
        As `demonstrate`.

    Raises
    ------
    SimulatorError, RepositoryError, ExecutionError
    """
    from skyassay.verify.butler.source import open_collection

    size = "tiny" if preset == "tiny" else "small"
    folder = _emptied(directory / "images")
    say(f"Drawing raw frames: preset {size}, seed {seed} ...")
    simulate_pixels(size, seed, folder / "frames", folder / "repo", overwrite=True)
    say("Calibrating and measuring the frames ...")
    done = process(str(folder / "repo"), "release")
    say(done.statement())
    source = open_collection(str(folder / "repo"), done.output)
    command = f"assay demo --preset {preset} --seed {seed} (images)"
    expected = "pixels" if size == "small" else ""
    return judged(source, command, directory, "report-images", expected, say, progress)


def _emptied(folder: Path) -> Path:
    """Return the folder without what an earlier demonstration left in it.

    Raises
    ------
    VerifyError
        ``not_ours`` (exit code 4) where it holds anything else.
    """
    import shutil

    from skyassay.verify.errors import VerifyError

    ours = {"frames", "repo", "night", "alerts"}
    if folder.exists() and (others := {p.name for p in folder.iterdir()} - ours):
        raise VerifyError(
            f"{folder.name} holds {min(others)}, which no demonstration made.",
            code="not_ours",
            hint="Name another directory: --out DIR.",
            exit_code=4,
        )
    for name in ours:
        shutil.rmtree(folder / name, ignore_errors=True)
    return folder


def judged(
    source: FileSource,
    command: str,
    directory: Path,
    page_name: str,
    preset: str,
    say: Callable[[str], None],
    progress: Callable[[int], None] | None,
) -> Demo:
    """Measure, judge, keep and report one source.

    Parameters
    ----------
    source : FileSource
    command : str
        What the run says made it.
    directory : Path
        Holds the store; gets the report.
    page_name : str
        Of the report, without its ending.
    preset : str
        As `expectations` takes it; empty where nothing is expected.
    say, progress : callable
        As `demonstrate`.
    """
    from skyassay.requirements_map import load
    from skyassay.verify.measuring import Request, measure
    from skyassay.verify.report.model import collect
    from skyassay.verify.report.page import to_html
    from skyassay.verify.store import open_store
    from skyassay.verify.tables import contract_findings

    say("Checking the catalogs against their contracts ...")
    findings = contract_findings(source)
    say("Measuring and judging ...")
    made = measure(source, Request(command=command), load(), findings=findings, progress=progress)
    store = directory / "store.sqlite"
    with open_store(str(store), write=True) as keeper:
        keeper.add_run(
            made.run, made.measurements, made.judgement.all, made.evidence, made.findings
        )
    say("Writing the report ...")
    with open_store(str(store)) as reader:
        report = collect(reader, made.run.id)
    page = directory / f"{page_name}.html"
    page.write_text(to_html(report), "utf-8")
    return Demo(report, store, page, expectations(made, preset) if preset else {})


def expectations(made: Measured, preset: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return criterion -> (verdict obtained, verdicts expected) of the nominal survey.

    `preset` may be ``pixels``: what is expected of a release processed from raw frames, for
    the criteria of which something is; or ``night-`` and the size of a night. An interval that
    the coverage campaign refused decides nothing, so INCONCLUSIVE is expected of its metric
    whatever the numbers say.
    """
    from skyassay.metrics.certification import certificates
    from skyassay.simulator.nominal import nominals

    obtained = {v.criterion: v.status for v in made.judgement.record if v.binding}
    size = preset.removeprefix(NIGHT)
    if size != preset:
        from skyassay.simulator.nominal_night import expected_of_night

        return {
            criterion: (obtained.get(criterion, "NOT_MEASURED"), wanted)
            for criterion, wanted in expected_of_night(size).items()
        }
    refused = {name for name, entry in certificates().items() if not entry["certified"]}
    return {
        criterion: (
            obtained.get(criterion, "NOT_MEASURED"),
            _undecided(wanted) if nominal.metric in refused else wanted,
        )
        for criterion, nominal in nominals().items()
        if (wanted := nominal.expected_of(preset))
    }


def _undecided(verdicts: tuple[str, ...]) -> tuple[str, ...]:
    decided = ("PASS", "FAIL")
    return tuple(dict.fromkeys("INCONCLUSIVE" if v in decided else v for v in verdicts))
