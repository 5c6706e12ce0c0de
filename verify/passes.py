"""Which metrics are folded together in one pass over the union of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from skyassay.metrics.contract import Metric
from skyassay.verify.tables import Source

#: Locality -> the column whose rows must stay together.
_WHOLE = {"object": "objectId", "sample": "objectId", "visit": "visit"}


@dataclass(frozen=True)
class Pass:
    """Metrics that read the same partitions.

    Attributes
    ----------
    metrics : tuple of Metric
    needs : mapping of str to tuple of str
        Product -> the union of the columns that are there.
    locality : str
    single : bool
        Whether the data must come in one partition, because nothing in them can be cut.
    """

    metrics: tuple[Metric, ...]
    needs: Mapping[str, tuple[str, ...]]
    locality: str
    single: bool


def passes(metrics: Iterable[Metric], source: Source) -> list[Pass]:
    """Return as few passes as the localities allow.

    Whole objects serve metrics of rows too. Metrics that share no product are apart: what
    one product is cut by would not help the other. A table that cannot be cut is handed
    whole to every partition, so where no table can be, there is one partition only; rows
    would count several times otherwise.
    """
    groups: dict[tuple[str, bool], list[Metric]] = {}
    for metric in metrics:
        locality = _locality(metric, source)
        groups.setdefault((locality, _cut(metric, locality, source)), []).append(metric)
    return [
        Pass(tuple(together), _needs(together, source), locality, single=not cut)
        for (locality, cut), group in groups.items()
        for together in _sharing(group)
    ]


def _locality(metric: Metric, source: Source) -> str:
    """Return the locality of the pass that serves a metric.

    Rows go with objects where there are objects: what has none is a table to look things up
    in, and is handed whole.
    """
    if metric.locality != "row":
        return "visit" if metric.locality == "visit" else "object"
    return "object" if any("objectId" in source.columns(p) for p in metric.inputs) else "row"


def _cut(metric: Metric, locality: str, source: Source) -> bool:
    """Return whether anything that a metric reads can be cut.

    Of several products without objects nobody knows which rows belong together.
    """
    if locality == "row":
        return len(metric.inputs) == 1
    return any(_WHOLE[locality] in source.columns(product) for product in metric.inputs)


def _sharing(group: Sequence[Metric]) -> list[list[Metric]]:
    """Split metrics into those that share products, directly or through others."""
    found: list[tuple[set[str], list[Metric]]] = []
    for metric in group:
        products, members = set(metric.inputs), [metric]
        apart = []
        for names, others in found:
            if names & products:
                products, members = names | products, others + members
            else:
                apart.append((names, others))
        found = [*apart, (products, members)]
    return [members for _, members in found]


def _needs(metrics: Sequence[Metric], source: Source) -> dict[str, tuple[str, ...]]:
    """Return the union of the columns, product by product, that are there."""
    union: dict[str, dict[str, None]] = {}
    for metric in metrics:
        for product, columns in metric.inputs.items():
            there = set(source.columns(product))
            wanted = union.setdefault(product, {})
            wanted.update((c.name, None) for c in columns if c.name in there)
    return {product: tuple(names) for product, names in union.items()}
