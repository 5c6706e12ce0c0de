"""`assay metrics`: what can be measured, by which recipes, and whose intervals decide."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from skyassay.verify.errors import VerifyError

FORMATS = ("table", "json")
Format = Annotated[str, typer.Option("--format", help="table or json.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="metrics",
        help="What can be measured, by which recipes, and whose intervals are certified.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command("show")(show)
    app.add_typer(group)


def list_(output_format: Format = "table") -> int:
    """List the installed metrics."""
    from skyassay.verify.metric_list import list_json

    _known(output_format)
    data = list_json()
    if output_format == "json":
        _json(data)
        return 0
    from rich.table import Table

    from skyassay.verify.requirements_view import console

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for i, name in enumerate(("metric", "title", "unit", "criteria", "recipes", "certified")):
        table.add_column(name, no_wrap=i == 0, overflow="fold")
    for m in data["metrics"]:
        table.add_row(
            m["id"], m["title"], m["unit"] or "1", str(len(m["requirements"])),
            ", ".join(m["recipes"]), "yes" if m["certified"] else "no",
        )  # fmt: skip
    certified = sum(m["certified"] for m in data["metrics"])
    out = console()
    out.print(table)
    out.print(
        f"{len(data['metrics'])} metrics, {certified} with certified intervals; "
        "the others measure and decide nothing. `assay metrics show ID` says why."
    )
    return 0


def show(
    metric: Annotated[str, typer.Argument(metavar="ID", help="Metric id.")],
    output_format: Format = "table",
) -> int:
    """Show everything about one metric: its inputs, and every recipe with its cuts."""
    from skyassay.verify.metric_list import show_json

    _known(output_format)
    data = show_json(metric)
    if output_format == "json":
        _json(data)
        return 0
    from rich.text import Text

    from skyassay.verify.requirements_view import console

    out = console()
    body = data["metric"]
    out.print(Text(f"{body['id']}  {body['title']}", style="bold"))
    out.print(Text(body["definition"] + "\n"))
    for line in (*_facts(body), *_inputs(body["inputs"])):
        out.print(Text(line))
    for recipe in body["recipes"]:
        marks = ", ".join(k for k in ("default", "certified") if recipe[k])
        head = f"recipe {recipe['name']}  {recipe['hash']}" + (f"  ({marks})" if marks else "")
        out.print(Text(f"\n{head}", style="bold"))
        for name, value in _flat(recipe["parameters"]):
            out.print(Text(f"  {name}: {value}"))
    return 0


def _facts(body: Mapping[str, Any]) -> Iterator[str]:
    certified = "yes" if body["certified"] else "no"
    at = ", ".join(f"{k} ({unit or '1'})" for k, unit in body["at_units"].items())
    for name, value in (
        ("unit", body["unit"] or "1"),
        ("certified", f"{certified}: {body['certification']}"),
        ("requirements", ", ".join(body["requirements"])),
        ("locality", body["locality"]),
        ("error units", ", ".join(body["error_units"])),
        ("at", at),
        ("differs", body["differs_from_peers"]),
        ("not measured", f"when {body['not_measured_when']}" * bool(body["not_measured_when"])),
    ):
        yield f"{name:>12}  {value or 'none'}"


def _inputs(inputs: Mapping[str, Any]) -> Iterator[str]:
    for product, columns in inputs.items():
        names = (
            c["name"] + (f" [{c['unit']}]" * bool(c["unit"])) + (" (optional)" * c["optional"])
            for c in columns
        )
        yield f"{'reads':>12}  {product}: {', '.join(names)}"


def _flat(parameters: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Return every cut and choice on a line of its own; one of a mapping is ``a.b``."""
    for name, value in parameters.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value if isinstance(value, str) else json.dumps(value)


def _known(output_format: str) -> None:
    if output_format not in FORMATS:
        raise VerifyError(
            f"There is no format {output_format!r}.",
            code="unknown_format",
            hint="Formats: " + ", ".join(FORMATS),
            exit_code=4,
        )


def _json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
