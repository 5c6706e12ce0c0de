"""`assay report`: what a run says about its requirements."""

from __future__ import annotations

import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.night.model import NightReport
    from skyassay.verify.report.model import ReleaseReport


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"
    CSV = "csv"


class NightFormat(StrEnum):
    """How a night's reports are written."""

    TABLE = "table"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the `report` commands to the application."""
    group = typer.Typer(help="Write reports.", no_args_is_help=True)
    group.callback()(_root)
    group.command("release")(release)
    group.command("night")(night)
    app.add_typer(group, name="report")


def _root() -> None:
    """Write reports."""


def release(
    run: Annotated[str | None, typer.Option(help="Run id; the last one unless said.")] = None,
    store: Annotated[
        str | None, typer.Option("--store", "--url", help="Evidence store: URL or path.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How it is written.")] = Format.TABLE,
    output: Annotated[Path | None, typer.Option(help="File; the terminal unless said.")] = None,
) -> None:
    """Report whether a release meets its requirements, with what evidence."""
    from skyassay.verify.report.model import collect
    from skyassay.verify.store import DEFAULT_URL, open_store

    with open_store(store or DEFAULT_URL) as opened:
        report = collect(opened, run)
    _write(render(report, form.value, terminal=output is None), output)


def night(
    run: Annotated[
        str | None, typer.Option(help="Run id; the last one with a night unless said.")
    ] = None,
    store: Annotated[
        str | None, typer.Option("--store", "--url", help="Evidence store: URL or path.")
    ] = None,
    form: Annotated[
        NightFormat, typer.Option("--format", help="How it is written.")
    ] = NightFormat.TABLE,
    output: Annotated[Path | None, typer.Option(help="File; the terminal unless said.")] = None,
) -> None:
    """Report a night: its data quality, how processing performed, its calibration."""
    from skyassay.verify.night.collecting import collect
    from skyassay.verify.store import DEFAULT_URL, open_store

    with open_store(store or DEFAULT_URL) as opened:
        report = collect(opened, run)
    _write(render_night(report, form.value, terminal=output is None), output)


def _write(text: str, output: Path | None) -> None:
    """Write a report to the terminal, or to a file, whose name is told."""
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        # newline="" keeps CSV as it was made, on every system.
        with output.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        raise VerifyError(
            f"{output} cannot be written.", code="cannot_write", hint=error.strerror or ""
        ) from error
    sys.stderr.write(f"{output}\n")


def render(report: ReleaseReport, form: str, *, terminal: bool = False) -> str:
    """Return a report in one format."""
    from skyassay.verify.report.files import to_csv, to_json
    from skyassay.verify.report.markdown import to_markdown
    from skyassay.verify.report.page import to_html
    from skyassay.verify.report.table import to_table
    from skyassay.verify.report.terminal import colours, width

    if form == "table":
        return to_table(report, width=width(), colour=terminal and colours())
    writers: dict[str, Callable[[ReleaseReport], str]] = {
        "csv": to_csv,
        "json": to_json,
        "markdown": to_markdown,
        "html": to_html,
    }
    return writers[form](report)


def render_night(report: NightReport, form: str, *, terminal: bool = False) -> str:
    """Return a night's reports in one format."""
    from skyassay.verify.night.page import to_html
    from skyassay.verify.night.writers import to_json, to_markdown, to_table
    from skyassay.verify.report.terminal import colours, width

    if form == "table":
        return to_table(report, width=width(), colour=terminal and colours())
    writers: dict[str, Callable[[NightReport], str]] = {
        "json": to_json,
        "markdown": to_markdown,
        "html": to_html,
    }
    return writers[form](report)
