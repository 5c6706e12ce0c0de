"""Reference pages made from the code, so that they cannot differ from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from products_page import banded, products_page

from skyassay.metrics.certification import certificates, smallest_size
from skyassay.metrics.contract import Column, Recipe
from skyassay.metrics.registry import load_metrics
from skyassay.metrics.words import words_of
from skyassay.requirements_map import Criterion, Document, Requirement, RequirementSet, load

OWN = "skyassay."
#: What all rows of must be in one partition.
WHOLE = {"object": "an object", "visit": "a visit", "row": "nothing", "sample": "everything"}
NO_TABLE = (
    "The campaign has not been run for this version: no interval is certified, and every "
    "verdict of an interval is INCONCLUSIVE.\n"
)


def write_pages(docs: Path) -> None:
    """Write every generated page into ``docs/_generated``."""
    out = docs / "_generated"
    out.mkdir(exist_ok=True)
    pages = {
        "metrics.md": metrics_page(),
        "products.md": products_page(own_metrics()),
        "requirements.md": requirements_page(load()),
        "coverage.md": coverage_page(docs / "coverage_table.md"),
        "decisions.md": decisions_page(docs / "decisions"),
    }
    for name, text in pages.items():
        path = out / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def own_metrics() -> dict[str, Any]:
    """Return metric id -> class of the metrics that are ours."""
    plugins = load_metrics()
    return {name: plugin for name, plugin in plugins.items() if plugin.__module__.startswith(OWN)}


def metrics_page() -> str:
    """Return a section per metric of ours: what it reads, its recipes, its certificate."""
    parts = [
        "# Metrics\n",
        "Generated from the code. A recipe is every choice that makes a number; its hash is "
        "part of the identity of every measurement made with it. The selection of stars is "
        "explained in [measuring a catalog](../tasks/measure.md), the tables in "
        "[products](products.md). `*` in the name of a column stands for the bands.\n",
    ]
    own = own_metrics()
    for area in sorted({name.rpartition(".")[0] for name in own}):
        parts.append(f"## {area}\n")
        parts += [
            _metric(plugin) for name, plugin in own.items() if name.rpartition(".")[0] == area
        ]
    parts += ["## Recipes\n", *_recipes(own)]
    return "\n".join(parts)


def _metric(plugin: Any) -> str:
    words = words_of(plugin)
    rows = [
        ("differs from the peers", words.differs or "-"),
        ("not measured when", words.absent or "-"),
        ("unit", f"`{plugin.unit}`" if plugin.unit else "none: a number"),
        ("serves", ", ".join(f"`{c}`" for c in plugin.requirements) or "nothing: for information"),
        *(("reads", _input(name, cols)) for name, cols in plugin.inputs.items()),
        ("arrives whole", WHOLE[plugin.locality]),
        ("errors shared by", " x ".join(plugin.error_units) or "-"),
        ("bound by", ", ".join(f"{k} in {u or '1'}" for k, u in plugin.at_units.items()) or "-"),
        ("recipes", ", ".join(f"`{r.name}` ({r.hash})" for r in plugin.recipes.values())),
        ("interval", _certificate(plugin)),
    ]
    lines = [
        f"### {plugin.title}\n",
        f"`{plugin.id}`\n",
        f"{words.definition}\n",
        "| | |",
        "|---|---|",
    ]
    return "\n".join([*lines, *(f"| {k} | {_cell(v)} |" for k, v in rows), ""])


def _input(name: str, columns: Iterable[Column]) -> str:
    """Return a product and its columns, those of several bands as one, those it can miss last."""
    needed: dict[str, str] = {}
    spare: dict[str, str] = {}
    for column in columns:
        band = banded(column.name)
        shown = f"`*_{band[1]}`" if band else f"`{column.name}`"
        (spare if column.optional else needed)[shown] = f" [{column.unit}]" if column.unit else ""
    text = f"**{name}**: {', '.join(k + u for k, u in needed.items())}"
    return text + (f"; where there: {', '.join(k + u for k, u in spare.items())}" if spare else "")


def _certificate(plugin: Any) -> str:
    entry = certificates().get(plugin.id)
    first = next(iter(plugin.recipes.values()))
    if entry is None:
        if plugin.certificate is None and not plugin.error_units:
            return "none: everything is counted"
        if not plugin.requirements:
            return "not certified: it serves no limit that the campaign could try it at"
        return "not certified: the campaign has no result for it"
    if entry["recipe_hash"] != first.hash:
        return "not certified: the campaign tried another recipe"
    if not entry["certified"]:
        return f"not certified: {entry['reason']}"
    units = f"{smallest_size(entry)} {entry.get('unit', 'visit')}s"
    return f"certified from {units} on; see [the coverage table](coverage.md)"


def _recipes(own: Mapping[str, Any]) -> list[str]:
    found: dict[str, tuple[Recipe, list[str]]] = {}
    for name, plugin in own.items():
        for recipe in plugin.recipes.values():
            found.setdefault(recipe.hash, (recipe, []))[1].append(name.rpartition(".")[2])
    parts = []
    for key, (recipe, users) in found.items():
        text = json.dumps(dict(recipe.parameters), indent=2, sort_keys=True, default=dict)
        parts.append(f"### {recipe.name} {key}\n\nUsed by {', '.join(users)}.\n")
        parts.append(f"```json\n{text}\n```\n")
    return parts


def requirements_page(requirements: RequirementSet) -> str:
    """Return a table per document: requirement, method, binding limits, what measures it."""
    parts = [
        "# Requirements\n",
        "Generated from the requirement map. Texts are in our own words; the source document "
        "decides. Limits are those of the binding level; `assay requirements show ID` has the "
        "others, the fingerprint and the trace.\n",
    ]
    for document in requirements.documents.values():
        if not document.packaged:
            continue
        mine = [r for r in requirements.requirements.values() if r.document == document.id]
        parts += [_heading(document), "| requirement | method | criterion | limit | measured by |"]
        parts += ["|---|---|---|---|---|", *(row for r in mine for row in _requirement(r)), ""]
    return "\n".join(parts)


def _heading(document: Document) -> str:
    second = " Values known at second hand." if document.secondhand else ""
    return (
        f"## {document.id}: {document.title}\n\nRevision {document.revision}, "
        f"binding level *{document.binding_level}*.{second} {document.note}\n"
    )


def _requirement(requirement: Requirement) -> list[str]:
    status = " (descoped)" if requirement.status == "descoped" else ""
    title = _cell(f"**{requirement.id}** {requirement.title}{status}")
    if not requirement.criteria:
        return [f"| {title} | {requirement.method} | - | - | - |"]
    rows = []
    for i, c in enumerate(requirement.criteria):
        first = (title, requirement.method) if i == 0 else ("", "")
        rows.append(f"| {first[0]} | {first[1]} | {_cell(c.name)} | {_limit(c)} | {_by(c)} |")
    return rows


def _limit(criterion: Criterion) -> str:
    value = criterion.levels.get(criterion.binding_level)
    if value is None:
        return criterion.kind
    op = {"<=": "≤", ">=": "≥", "<": "&lt;", ">": "&gt;"}.get(criterion.op, criterion.op)
    text = f"{value:g}" if isinstance(value, int | float) else _cell(value)
    size = "absolute value " if criterion.abs else ""
    role = "" if criterion.role == "limit" else f" ({criterion.role})"
    return f"{size}{op} {text} {_cell(criterion.unit)}{role}"


def _by(criterion: Criterion) -> str:
    return f"`{criterion.metric}`" if criterion.metric else "nothing yet"


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def coverage_page(table: Path) -> str:
    """Return the campaign's table, or say that there is none."""
    body = table.read_text("utf-8") if table.exists() else NO_TABLE
    return f"---\norphan: true\n---\n\n# Coverage of the intervals\n\n{body}"


def decisions_page(folder: Path) -> str:
    """Return the index of decisions."""
    lines = ["# Decisions\n", "What was decided, why, and what follows from it.\n"]
    names = sorted(p.stem for p in folder.glob("[0-9]*.md"))
    toc = ["```{toctree}", ":maxdepth: 1", "", *(f"../decisions/{name}" for name in names), "```"]
    return "\n".join([*lines, *toc, ""])
