"""`assay campaign linking` and `assay campaign load`: proofs of a night without images."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyassay.verify.commands.shared import (
    NO_STORE,
    Inputs,
    command_line,
    known_format,
    measure_and_keep,
    print_findings,
    print_head,
    terminal,
)
from skyassay.verify.errors import VerifyError
from skyassay.verify.status import exit_code

if TYPE_CHECKING:
    from skyassay.verify.campaign.load import Load
    from skyassay.verify.measuring import Measured
    from skyassay.verify.records import Verdict

LINKING, LOAD = "skyassay.linking/1", "skyassay.load/1"
LINKING_METRICS = (
    "moving.linking.completeness",
    "moving.linking.purity",
    "moving.release.delay",
    "moving.release.late",
    "moving.precovery.wrong",
)
LOAD_METRICS = (
    "alerts.load.peak",
    "alerts.load.average",
    "alerts.load.users",
    "alerts.load.user_alerts",
)
_Store = Annotated[
    str, typer.Option(help="Where results are kept: a URL or SQLite file; none keeps nothing.")
]
_Form = Annotated[str, typer.Option("--format", help="table or json.")]


def register(group: typer.Typer) -> None:
    """Add the commands to `assay campaign`."""
    group.command("linking")(linking)
    group.command("load")(load)


def linking(
    seeds: Annotated[int, typer.Option(min=1, help="Simulated surveys, seeds 1 to this.")] = 1,
    preset: Annotated[str, typer.Option(help="tiny, small or medium.")] = "small",
    out: Annotated[
        Path | None, typer.Option(help="Keep the tables: a folder for each seed.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace what is in --out.")] = False,
    store: _Store = NO_STORE,
    form: _Form = "table",
) -> int:
    """Link simulated nights of moving objects day by day; measure and judge what was found.

    Exit code: 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate, 4 wrong usage.
    """
    from skyassay.verify.campaign.linking import link_twin

    _known(form)
    made: list[Measured] = []
    with _folder(out) as folder:
        for seed in range(1, seeds + 1):
            _tell(f"Seed {seed} of {seeds}: simulating nights and linking them ...")
            paths = link_twin(preset, seed, folder / f"seed-{seed}", overwrite=overwrite)
            made.append(_measured(paths, LINKING_METRICS, store))
    if form == "json":
        _say_json({"schema": LINKING, "preset": preset, "seeds": [_document(one) for one in made]})
    else:
        for one in made:
            _print(one)
    return exit_code([v for one in made for v in _deciding(one)])


def load(
    alerts: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Alerts of a visit; may be repeated. 10000 and 40000 if none."),
    ] = None,
    visits: Annotated[int, typer.Option(min=1, help="Visits of each size.")] = 3,
    to: Annotated[str, typer.Option(help="kafka or files.")] = "kafka",
    consumers: Annotated[int, typer.Option(min=1, help="Full streams, a consumer each.")] = 5,
    users: Annotated[int, typer.Option(min=0, help="Users of filters.")] = 100,
    out: Annotated[
        Path | None, typer.Option(help="Keep all that was sent; about 90 kB an alert.")
    ] = None,
    store: _Store = NO_STORE,
    form: _Form = "table",
) -> int:
    """Send full-size alerts to consumers on this machine; measure and judge how many fit.

    Exit code: 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate, 4 wrong usage.
    """
    from skyassay.verify.campaign.load import load_test

    _known(form)
    sizes = [size for size in alerts or (10_000, 40_000) for _ in range(visits)]
    _tell(f"Sending {sum(sizes):,} alerts of {len(sizes)} visits ...")
    with _folder(out) as folder:
        done = load_test(folder, sizes, to=to, consumers=consumers, users=users)
        subject = f"load test over {to} ({done.machine})"
        made = _measured({"alert_load": done.table}, LOAD_METRICS, store, subject, "packet-load")
    if form == "json":
        _say_json({**_document(made), **_seen(done), "schema": LOAD})
    else:
        sys.stdout.write(split_table(done) + "\n")
        _print(made)
    return exit_code(_deciding(made))


def split_table(done: Load) -> str:
    """Return where the seconds of every visit went, as Markdown."""
    head = ("visit", "alerts", "MB", "seconds", "building", "waiting", "rest", "alerts/s", "got")
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for v in done.visits:
        rest = v.seconds - v.building - v.waiting
        cells = (
            f"{v.visit}", f"{v.alerts:,}", f"{v.bytes / 1e6:,.0f}", f"{v.seconds:.2f}",
            f"{v.building:.2f}", f"{v.waiting:.2f}", f"{rest:.2f}",
            f"{v.alerts / v.seconds:,.0f}", f"{v.received:,} of {v.alerts:,}, {v.double} double",
        )  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    users = f"; {done.visits[0].users} users' filters" if done.visits[0].users else ""
    return "\n".join(
        [*lines, "", f"{done.visits[0].consumers} consumers over {done.to}{users}; {done.machine}"]
    )


def _seen(done: Load) -> dict[str, Any]:
    from dataclasses import asdict

    return {"machine": done.machine, "to": done.to, "visits": [asdict(v) for v in done.visits]}


def _tell(line: str) -> None:
    """Say what is being done, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(line + "\n")


def _known(form: str) -> None:
    """Refuse a format that is not printed here before any work is done."""
    if known_format(form) == "csv":
        raise VerifyError(
            "There is no CSV of this.",
            code="unknown_format",
            hint="Formats: table, json",
            exit_code=4,
        )


@contextmanager
def _folder(out: Path | None) -> Iterator[Path]:
    """Give a folder: one to keep, or one for the time of the run."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _measured(
    paths: Any,
    metrics: Sequence[str],
    store: str,
    subject: str | None = None,
    level: str | None = None,
) -> Measured:
    from skyassay.requirements_map import load as requirements
    from skyassay.verify.measuring import Request

    request = Request(
        metrics=tuple(metrics), subject=subject, evidence_level=level, command=command_line()
    )
    inputs = Inputs({name: str(path) for name, path in paths.items()})
    return measure_and_keep(inputs, request, requirements(), store)


def _deciding(made: Measured) -> list[Verdict]:
    return made.judgement.deciding({m.metric for m in made.measurements})


def _document(made: Measured) -> dict[str, Any]:
    from skyassay.verify.commands.measure import document

    return document(made)


def _say_json(document: dict[str, Any]) -> None:
    from skyassay.verify.jsonio import pretty

    sys.stdout.write(pretty(document) + "\n")


def _print(made: Measured) -> None:
    """Print the measurements, and the verdicts that decide."""
    from skyassay.verify.tabular import WIDE, measurement_grid, show, verdict_grid

    console = terminal()
    print_head(console, made.run)
    show(measurement_grid(made.measurements, made.judgement.by_recipe(), console.width), console)
    verdicts = _deciding(made)
    if verdicts:
        show(verdict_grid(verdicts, short=console.width < WIDE), console)
    print_findings(console, made.findings)
