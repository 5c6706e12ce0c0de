"""`assay gate`: base against head, for people and for CI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.verify.gate.model import GateReport

FORMATS = ("table", "json", "markdown", "junit")
SUFFIXES = {".txt": "table", ".json": "json", ".md": "markdown", ".xml": "junit"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gate")(gate)


def gate(
    base: Annotated[
        list[str], typer.Option(help="STORE, STORE#RUN or MEASUREMENTS.json; may be repeated.")
    ],
    head: Annotated[
        list[str], typer.Option(help="What is to be judged; the same seeds or data as the base.")
    ],
    output_format: Annotated[
        str, typer.Option("--format", help="On the terminal: " + ", ".join(FORMATS) + ".")
    ] = "table",
    output: Annotated[
        list[str] | None,
        typer.Option(help="FILE (.json, .md, .xml, .txt) or FORMAT=FILE; may be repeated."),
    ] = None,
    margin: Annotated[
        list[str] | None,
        typer.Option(help="METRIC=NUMBER in the metric's own unit; may be repeated."),
    ] = None,
    relative: Annotated[
        float, typer.Option(help="Part of the base value that a change may cost.")
    ] = 0.02,
    headroom: Annotated[
        float, typer.Option(help="Part of the distance to the limit that a change may cost.")
    ] = 0.10,
    cap: Annotated[
        float, typer.Option(help="Most the headroom may give, as a part of the base value.")
    ] = 0.025,
    alpha: Annotated[float, typer.Option(help="False-alarm rate over all metrics.")] = 0.01,
    looks: Annotated[int, typer.Option(help="How often seeds may be added; splits alpha.")] = 1,
    question: Annotated[str, typer.Option(help="both, regression or requirement.")] = "both",
    pair: Annotated[
        str, typer.Option(help="auto: by seed or data; given: in the order given, you vouch.")
    ] = "auto",
    known_failures: Annotated[
        str, typer.Option(help="fail or report: requirements that failed in the base too.")
    ] = "fail",
) -> int:
    """Compare a head with its base: is it worse, and does it meet its requirements.

    Exit code: 0 pass, 1 failed, 2 inconclusive, 3 could not evaluate, 4 wrong usage.
    """
    from skyassay.requirements_map import load
    from skyassay.verify.gate import Settings, decide, load_runs
    from skyassay.verify.gate.margin import MarginRule

    files = _outputs(output or [])
    _known(output_format)
    rule = MarginRule(relative, headroom, cap, _margins(margin or []))
    settings = Settings(alpha, looks, rule, question, known_failures, pair)
    requirements = load()
    absolute = {name for name, c in requirements.criteria.items() if c.abs}
    report = decide(
        load_runs(base, requirements), load_runs(head, requirements), settings, absolute=absolute
    )
    for name, path in files:
        _write(path, render(report, name))
    sys.stdout.write(render(report, output_format, terminal=True))
    return report.exit_code


def render(report: GateReport, output_format: str, *, terminal: bool = False) -> str:
    """Return the report in one format."""
    from skyassay.verify.gate import to_json
    from skyassay.verify.gate.junit import to_junit
    from skyassay.verify.gate.markdown import to_markdown
    from skyassay.verify.gate.table import to_table

    if output_format == "table":
        from skyassay.verify.report.terminal import colours, width

        return to_table(report, width=width(), colour=terminal and colours())
    return {"json": to_json, "markdown": to_markdown, "junit": to_junit}[output_format](report)


def _known(output_format: str) -> str:
    """Return a format that exists."""
    if output_format not in FORMATS:
        raise VerifyError(
            f"There is no format {output_format!r}.",
            code="unknown_format",
            hint="Formats: " + ", ".join(FORMATS),
            exit_code=4,
        )
    return output_format


def _outputs(texts: list[str]) -> list[tuple[str, Path]]:
    """Return format and path of every ``FILE`` or ``FORMAT=FILE``."""
    found = []
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals:
            name, path = SUFFIXES.get(Path(text).suffix, ""), text
        if not name or not path:
            raise VerifyError(
                f"The format of {text!r} is not known.",
                code="bad_output",
                hint="Name it, for instance junit=gate.xml",
                exit_code=4,
            )
        found.append((_known(name), Path(path)))
    return found


def _margins(texts: list[str]) -> dict[str, float]:
    """Return the margin of every ``METRIC=NUMBER``."""
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError as error:
            raise VerifyError(
                f"{text!r} is not METRIC=NUMBER.",
                code="bad_margin",
                hint="For instance photometry.repeatability.pa1=0.1",
                exit_code=4,
            ) from error
    return found


def _write(path: Path, text: str) -> None:
    """Write a report, with its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise VerifyError(
            f"{path} cannot be written.", code="cannot_write", hint=error.strerror or ""
        ) from error
