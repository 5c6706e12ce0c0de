"""Requirements, findings and traces for people: tables for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from skyassay.verify.report.terminal import colours, width

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from skyassay.requirements_map.findings import Finding
    from skyassay.requirements_map.model import Criterion, Requirement
    from skyassay.requirements_map.trace import Trace

STYLES = {"fail": "bold red", "warn": "yellow", "unknown": "magenta", "open": "cyan"}


def console() -> Console:
    """Return where tables go: standard output, plain when it is no terminal."""
    from rich.console import Console

    return Console(
        file=sys.stdout, width=width(), no_color=not colours(), highlight=False, markup=False
    )


def requirements_table(requirements: Iterable[Requirement]) -> Any:
    """Return one line per criterion: id, limits, unit, what verifies it."""
    table = _table("requirement", "title", "criterion", "limit", "measured by")
    for requirement in requirements:
        if not requirement.criteria:
            table.add_row(requirement.id, requirement.title, "", "", _state(requirement, None))
        for i, criterion in enumerate(requirement.criteria):
            table.add_row(
                requirement.id if i == 0 else "",
                requirement.title if i == 0 else "",
                criterion.name,
                limits(criterion),
                _state(requirement, criterion),
            )
    return table


def limits(criterion: Criterion) -> str:
    """Return the limits of every level on one line, e.g. ``<= 5 / 8 / 3 mmag``."""
    if criterion.kind == "capability":
        return "can be done"
    numbers = " / ".join(_number(v) for v in criterion.levels.values())
    sign = f"|x| {criterion.op}" if criterion.abs else criterion.op
    return " ".join(word for word in (sign, numbers, criterion.unit) if word)


def _number(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


def _state(requirement: Requirement, criterion: Criterion | None) -> str:
    if requirement.status == "descoped":
        return "descoped"
    if criterion is None:
        return "text not at hand"
    if criterion.role != "limit":
        return criterion.role
    return criterion.metric or "nothing verifies this yet"


def show(data: dict[str, Any]) -> list[Any]:
    """Return what `assay requirements show` prints, from its JSON."""
    from rich.text import Text

    body = data["requirement"]
    lines = [Text(f"{body['id']}  {body.get('title') or body.get('name') or ''}", style="bold")]
    for key in ("text", "note", *_FACTS):
        value = body.get(key)
        if value not in (None, "", [], False):
            lines.append(Text(f"{key:>12}  {_plain(value)}"))
    lines.append(Text(f"{'children':>12}  {_plain(data['children'])}"))
    asked = data["criterion"]
    for criterion in body.get("criteria", []):
        if asked not in (None, criterion["id"]):
            continue
        lines.extend(_criterion_lines(criterion))
    tables: list[Any] = list(lines)
    for key, columns in _LINKED:
        if data[key]:
            table = _table(key.replace("_", " "), *columns)
            for row in data[key]:
                table.add_row(row["id"], *(_plain(row[c]) for c in columns))
            tables.append(table)
    return tables


_FACTS = (
    "document", "section", "priority", "method", "status", "owner", "group", "scope", "parents",
    "changes", "secondhand", "fingerprint",
)  # fmt: skip
_CRITERION_FACTS = (
    "verification", "bands", "population", "reading", "joint", "related", "differs_from",
    "verification_elements", "source", "note", "fingerprint",
)  # fmt: skip
_LINKED = (
    ("verification_elements", ("title", "status", "test_cases")),
    ("test_cases", ("name", "last_result", "last_run")),
)


def _criterion_lines(criterion: dict[str, Any]) -> list[Any]:
    from rich.text import Text

    head = f"{criterion['kind']} {criterion['role']}: {criterion['text']}"
    lines = [Text(""), Text(criterion["id"], style="bold"), Text(f"{'':>12}  {head}")]
    if any(v is not None for v in criterion["levels"].values()):
        lines.append(_levels_line(criterion))
    for parameter, by_band in criterion["at"].items():
        for band, bound in by_band.items():
            values = ", ".join(f"{k} {v['value']:g}" for k, v in bound["levels"].items())
            unit = next(iter(bound["levels"].values()))["unit"]
            where = f" in {band}" if band != "*" else ""
            lines.append(Text(f"{'at':>12}  {parameter}{where}: {values} {unit}".rstrip()))
    # Only a limit waits for somebody to verify it.
    idle = criterion["role"] != "limit" and criterion["metric"] is None
    lines += [
        Text(f"{key:>12}  {_plain(criterion[key])}")
        for key in _CRITERION_FACTS
        if criterion[key] and not (key == "verification" and idle)
    ]
    return lines


def _levels_line(criterion: dict[str, Any]) -> Text:
    """Return the limit with its binding level; what is no limit is a value and binds nobody."""
    from rich.text import Text

    given = {k: v for k, v in criterion["levels"].items() if v is not None}
    shown = {k: f"{v:g}" if isinstance(v, float) else str(v) for k, v in given.items()}
    sign, unit = criterion["op"], criterion["unit"]
    levels = ", ".join(f"{k} {v}" for k, v in shown.items())
    if criterion["role"] == "limit":
        words = f"{sign} {levels} {unit}".rstrip()
        return Text(f"{'limit':>12}  {words} (binding: {criterion['binding_level']})")
    words = levels if len(shown) > 1 else next(iter(shown.values()))
    return Text(f"{'value':>12}  {'' if sign == '==' else f'{sign} '}{words} {unit}".rstrip())


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value) or "none"
    return "yes" if value is True else str(value)


def findings_table(findings: Sequence[Finding]) -> Any:
    """Return one line per finding, worst first."""
    from rich.text import Text

    table = _table("code", "severity", "about", "what", "hint")
    for f in findings:
        table.add_row(
            f"{f.code} {f.name}" if f.name != f.code else f.code,
            Text(f.severity, style=STYLES[f.severity]),
            f.subject, f.message, f.hint,
        )  # fmt: skip
    return table


def trace_table(trace: Trace) -> Any:
    """Return the walk through one id, step by step."""
    table = _table("step", "id", "what", "state", title=f"{trace.id}  {trace.title}".rstrip())
    for step in trace.steps:
        if step.missing:
            table.add_row(step.step, "-", step.missing, "missing")
        for i, item in enumerate(step.items):
            table.add_row(step.step if i == 0 else "", item.id, item.title, item.state)
    return table


def overview_table(traces: Sequence[Trace]) -> Any:
    """Return one line per requirement: how many ids there are at each step."""
    steps = tuple(step.step for step in traces[0].steps) if traces else ()
    table = _table("id", *steps)
    for trace in traces:
        have = {step.step: len(step.items) for step in trace.steps}
        table.add_row(trace.id, *(str(have.get(s, 0) or "-") for s in steps))
    return table


def _table(*columns: str, title: str | None = None) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, no_wrap=i == 0, overflow="fold")
    return table
