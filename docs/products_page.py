"""The page of products: which columns each has, and which metrics read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skyassay.metrics.contract import Column
from skyassay.pipeline.products import Product, bands, product, products

HEAD = """# Products

Generated from the code. A metric reads named tables, the *products*, and of each only the columns
that it names. Give every table that you have (`--table NAME=PATH`, several times): a metric for
which a table or a column is missing is NOT_MEASURED, and the run says which. Names are those of
the Rubin schemas (`sdm_schemas`) where these have the column, else our own. How tables are read is
told in [Measure a catalog](../tasks/measure.md).

"May be absent" stands where no metric needs the column in every case: what it would exclude or
correct is then measured as it is, and the run says so, or the metric says why it cannot go on.
`*` in a column's name stands for each of the bands in brackets. An area named without its parts
(`photometry`) means all of its metrics that read the product.
"""


@dataclass
class _Use:
    """One line of a table: a column, or one column in several bands."""

    unit: str
    optional: bool
    bands: set[str] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)


def products_page(plugins: Mapping[str, Any]) -> str:
    """Return the page: products by area, then every product with its columns.

    Parameters
    ----------
    plugins : mapping
        Metric id -> metric class.
    """
    read = [name for name in products() if any(name in p.inputs for p in plugins.values())]
    parts = [HEAD, "## Which area needs what\n", _areas(plugins, read)]
    parts += [_section(product(name), plugins) for name in read]
    rest = [name for name in products() if name not in read]
    parts += ["## Not read by any metric\n", ", ".join(f"`{name}`" for name in rest) + "\n"]
    return "\n".join(parts)


def _areas(plugins: Mapping[str, Any], read: list[str]) -> str:
    """Return topic -> the products that its metrics read."""
    found: dict[str, tuple[int, set[str]]] = {}
    for name, plugin in plugins.items():
        topic = _topic(name)
        number, needed = found.get(topic, (0, set()))
        found[topic] = (number + 1, needed | set(plugin.inputs))
    rows = ["| metrics | number | products |", "|---|---:|---|"]
    for topic, (number, needed) in sorted(found.items()):
        named = ", ".join(f"[{n}](#{_anchor(n)})" for n in read if n in needed)
        rows.append(f"| `{topic}` | {number} | {named} |")
    return "\n".join([*rows, ""])


def _section(one: Product, plugins: Mapping[str, Any]) -> str:
    """Return one product with its columns."""
    lines = [
        f"## {one.name}\n",
        f"{one.title}. Key: {', '.join(f'`{k}`' for k in one.key)}.\n",
        "| column | unit | | read by |",
        "|---|---|---|---|",
    ]
    readers = {_topic(n) for n, p in plugins.items() if one.name in p.inputs}
    for name, use in _uses(one, plugins).items():
        shown = f"`{name}`" + (f" ({_in_order(use.bands)})" if use.bands else "")
        note = "may be absent" if use.optional else ""
        topics = ", ".join(_shortened(use.topics, readers)) or "nothing; needed all the same"
        lines.append(f"| {shown} | {use.unit} | {note} | {topics} |")
    other = {s: a.column for s, a in one.aliases.items()}
    if other:
        told = ", ".join(f"`{s}` for `{c}`" for s, c in other.items())
        lines.append(f"\nOther spellings: {told}.")
    return "\n".join([*lines, ""])


def _uses(one: Product, plugins: Mapping[str, Any]) -> Mapping[str, _Use]:
    """Return name -> use of every column that some metric or the product itself needs."""
    found: dict[str, _Use] = {}
    for name, plugin in plugins.items():
        for column in plugin.inputs.get(one.name, ()):
            _add(found, one, column).topics.add(_topic(name))
    for name in one.required:
        _add(found, one, Column(name)).optional = False
    order = list(one.columns)
    return dict(sorted(found.items(), key=lambda item: _place(item[0], order)))


def _add(found: dict[str, _Use], one: Product, column: Column) -> _Use:
    """Return the line of a column, made when it is the first time."""
    band = banded(column.name)
    name = f"*_{band[1]}" if band else column.name
    known = one.column(column.name)
    unit = known.unit if known else column.unit
    use = found.setdefault(name, _Use(unit, column.optional))
    use.optional = use.optional and column.optional
    if band:
        use.bands.add(band[0])
    return use


def banded(column: str) -> tuple[str, str] | None:
    """Return band and quantity of a column such as ``u_psfFlux``; None for another."""
    found = re.fullmatch(f"([{''.join(bands())}])_(.+)", column)
    return (found[1], found[2]) if found else None


def _place(name: str, order: list[str]) -> tuple[int, str]:
    """Return where a column stands: as in the product, those known by pattern last."""
    names = [name] if not name.startswith("*") else [b + name[1:] for b in bands()]
    there = [order.index(n) for n in names if n in order]
    return min(there, default=len(order)), name


def _shortened(topics: set[str], readers: set[str]) -> list[str]:
    """Return the topics, an area in the place of its topics where all that could are there."""
    found = set()
    for topic in topics:
        area = topic.partition(".")[0]
        whole = {r for r in readers if r.startswith(area + ".")}
        found.add(area if len(whole) > 1 and whole <= topics else topic)
    return sorted(found)


def _in_order(found: set[str]) -> str:
    return "".join(b for b in bands() if b in found)


def _topic(metric: str) -> str:
    return metric.rpartition(".")[0]


def _anchor(name: str) -> str:
    return name.replace("_", "-")
