"""`assay requirements`: what must hold, who proves it, and whether the map is whole."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skyassay.verify.errors import VerifyError

if TYPE_CHECKING:
    from skyassay.requirements_map.findings import EvidenceFacts, MetricFacts
    from skyassay.requirements_map.model import Requirement, RequirementSet

Extra = Annotated[
    list[Path] | None, typer.Option("--extra", help="YAML file with more requirements; repeatable.")
]
Format = Annotated[str, typer.Option("--format", help="table or json.")]
StoreUrl = Annotated[str | None, typer.Option("--store", help="Evidence store to look into.")]
RunId = Annotated[str | None, typer.Option("--run", help="Run in the store; its latest if none.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        name="requirements",
        help="What must hold, who proves it, and what nothing proves yet.",
        no_args_is_help=True,
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("lint")(lint)
    group.command("trace")(trace)
    app.add_typer(group)


def list_(
    document: Annotated[str | None, typer.Option(help="LPM-17, LSE-61, LSE-30, ...")] = None,
    status: Annotated[str | None, typer.Option(help="active or descoped.")] = None,
    metric: Annotated[str | None, typer.Option(help="Only what this metric measures.")] = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Only what nothing verifies yet.")
    ] = False,
    output_format: Annotated[str, typer.Option("--format", help="table, json or csv.")] = "table",
    extra: Extra = None,
) -> int:
    """List requirements and their criteria."""
    from skyassay.requirements_map import export, load

    _one_of(output_format, ("table", "json", "csv"))
    found = load(extra or ())
    chosen = _chosen(found, document, status, metric, unverified)
    if output_format == "json":
        bare = not (status or metric or unverified)
        nodes = [n for n in found.nodes.values() if bare and document in (None, n.document)]
        _json(export.requirements_json(found, chosen, nodes))
    elif output_format == "csv":
        _csv(export.CSV_COLUMNS, export.csv_rows(chosen))
    else:
        from skyassay.verify import requirements_view as view

        out = view.console()
        out.print(view.requirements_table(chosen))
        out.print(_summary(chosen))
    return 0


def show(
    key: Annotated[str, typer.Argument(metavar="ID", help="Requirement, criterion or node.")],
    output_format: Format = "table",
    extra: Extra = None,
) -> int:
    """Show everything about one requirement."""
    from skyassay.requirements_map import Criterion, export, load
    from skyassay.requirements_map.lookup import find

    _one_of(output_format, ("table", "json"))
    found = load(extra or ())
    item = find(found, key)
    if isinstance(item, Criterion):
        data = export.show_json(found, found.requirement_of(item), item.id)
    else:
        data = export.show_json(found, item)
    if output_format == "json":
        _json(data)
    else:
        from skyassay.verify import requirements_view as view

        view.console().print(*view.show(data), sep="\n")
    return 0


def lint(
    output_format: Format = "table",
    everything: Annotated[
        bool, typer.Option("--all", help="List open findings (inspections due) one by one, too.")
    ] = False,
    records: Annotated[
        list[Path] | None,
        typer.Option(help="YAML with gaps, waivers, inspections, closed; added to the packaged."),
    ] = None,
    store: StoreUrl = None,
    run: RunId = None,
    max_age: Annotated[int | None, typer.Option(help="Days that evidence may be old.")] = None,
    release: Annotated[
        bool, typer.Option("--release", help="Suspect and stale evidence fails.")
    ] = False,
    extra: Extra = None,
) -> int:
    """Check links, limits, units, records and sources.

    Exit code: 0 clean, 1 something fails, 3 could not evaluate, 4 wrong usage.
    """
    from datetime import timedelta
    from importlib.metadata import version

    from skyassay.requirements_map import RequirementsError, export, load
    from skyassay.requirements_map import lint as linter
    from skyassay.requirements_map.reading import data_path
    from skyassay.requirements_map.records import read_records

    _one_of(output_format, ("table", "json"))
    signed = read_records(data_path("gaps.yaml"), data_path("records.yaml"), *(records or ()))
    evidence = _evidence(store, run)
    try:
        found = load(extra or ())
    except RequirementsError as error:
        if error.code == "no_such_file":
            raise
        findings = [linter.finding_of(error)]
    else:
        findings = linter.lint(
            found,
            metric_facts(),
            evidence,
            records=signed,
            max_age=None if max_age is None else timedelta(days=max_age),
            software=version("skyassay") if evidence is not None else "",
            release=release,
        )
    if output_format == "json":
        _json(export.findings_json(findings))
    else:
        _print_findings(findings, everything=everything)
    return 1 if export.counts(findings)["fail"] else 0


def trace(
    key: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]", help="Requirement, criterion, node, LVV-..., LVV-T... or metric."
        ),
    ] = None,
    output_format: Format = "table",
    document: Annotated[str, typer.Option(help="Without ID: whose requirements.")] = "LPM-17",
    store: StoreUrl = None,
    run: RunId = None,
    extra: Extra = None,
) -> int:
    """Walk from the SRD to the evidence and say what is missing on the way."""
    from skyassay.requirements_map import export, load
    from skyassay.requirements_map.trace import trace as walk

    _one_of(output_format, ("table", "json"))
    found = load(extra or ())
    metrics, evidence = metric_facts(), _evidence(store, run)
    keys = [key] if key else [r.id for r in _chosen(found, document, None, None, False)]
    traces = [walk(found, k, metrics, evidence) for k in keys]
    if output_format == "json":
        _json(export.traces_json(traces))
    else:
        from skyassay.verify import requirements_view as view

        table = view.trace_table(traces[0]) if key else view.overview_table(traces)
        view.console().print(table)
    return 0


def metric_facts() -> list[MetricFacts]:
    """Return what the installed metrics say of themselves."""
    from skyassay.metrics.registry import load_metrics
    from skyassay.requirements_map.findings import MetricFacts

    return [
        MetricFacts(
            id=metric.id,
            unit=metric.unit,
            requirements=tuple(metric.requirements),
            diagnostic=bool(getattr(metric, "diagnostic", False)),
            at_units=dict(metric.at_units),
        )
        for metric in load_metrics().values()
    ]


def _evidence(store: str | None, run: str | None) -> list[EvidenceFacts] | None:
    """Return the verdicts of a run at their binding levels; None when no store is named."""
    from skyassay.requirements_map.findings import EvidenceFacts

    if store is None:
        if run is not None:
            raise VerifyError(
                "A run is named and no store.", code="bad_usage", hint="Add --store.", exit_code=4
            )
        return None
    from skyassay.verify.store import open_store

    with open_store(store) as opened:
        chosen = opened.run(run) if run else opened.latest()
        return [
            EvidenceFacts(
                id=f"{chosen.id}:{v.criterion}:{v.level}",
                criterion=v.criterion,
                metric=v.metric or "",
                fingerprint=v.fingerprint,
                created=chosen.created,
                status=v.status,
                software=chosen.provenance.get("skyassay", ""),
            )
            for v in opened.verdicts(chosen.id)
            if v.binding
        ]


def _chosen(
    found: RequirementSet,
    document: str | None,
    status: str | None,
    metric: str | None,
    unverified: bool,
) -> list[Requirement]:
    """Return the requirements that the filters let through, with the criteria that do."""
    from dataclasses import replace

    _known("document", document, found.documents)
    _known("status", status, ("active", "descoped"))
    _known("metric", metric, {c.metric for c in found.criteria.values() if c.metric})
    result = []
    for r in found.requirements.values():
        if document not in (None, r.document) or status not in (None, r.status):
            continue
        if unverified and r.status == "descoped":
            continue
        criteria = tuple(
            c
            for c in r.criteria
            if metric in (None, c.metric)
            and not (unverified and (c.metric is not None or c.role != "limit"))
        )
        if criteria or (not r.criteria and metric is None):
            result.append(replace(r, criteria=criteria))
    return result


def _known(what: str, value: str | None, known: Iterable[str]) -> None:
    from skyassay.requirements_map.lookup import suggest

    names = sorted(known)
    if value is not None and value not in names:
        near = suggest(value, names)
        hint = f"Did you mean {', '.join(near)}?" if near else f"Known: {', '.join(names)}."
        raise VerifyError(
            f"There is no {what} {value!r}.", code=f"unknown_{what}", hint=hint, exit_code=4
        )


def _one_of(value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise VerifyError(
            f"There is no format {value!r} here.",
            code="unknown_format",
            hint=f"Choose {', '.join(known)}.",
            exit_code=4,
        )


def _summary(requirements: Sequence[Requirement]) -> str:
    criteria = [c for r in requirements if r.status == "active" for c in r.criteria]
    judged = [c for c in criteria if c.role == "limit"]
    verified = sum(c.metric is not None for c in judged)
    return (
        f"{len(requirements)} requirements "
        f"({sum(r.status == 'descoped' for r in requirements)} descoped), "
        f"{len(judged)} criteria to judge: {verified} have a metric, "
        f"{len(judged) - verified} nothing verifies yet."
    )


def _print_findings(findings: Sequence[Any], *, everything: bool) -> None:
    from skyassay.requirements_map import export
    from skyassay.verify import requirements_view as view

    out = view.console()
    shown = [f for f in findings if everything or f.severity != "open"]
    if shown:
        out.print(view.findings_table(shown))
    counts = export.counts(findings)
    words = [f"{n} {word}" for word, n in counts.items() if n]
    out.print(f"Requirements map: {', '.join(words) or 'clean'}.")
    if counts["open"] and not everything:
        out.print("Open are inspections and demonstrations without a signed record; --all has all.")


def _json(data: Any) -> None:
    sys.stdout.write(json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    sys.stdout.write(text.getvalue())
