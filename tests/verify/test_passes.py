"""Passes: what is read together, and that nothing is folded twice."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from skyassay.metrics.contract import Column
from skyassay.verify.memory import MemorySource
from skyassay.verify.passes import passes

IDS = np.arange(4)
SOURCE = MemorySource(
    {
        "matched_source": {"objectId": IDS, "visit": IDS, "a": IDS, "b": IDS},
        "visit_table": {"visit": IDS, "seeing": IDS},
        "reference": {"ra": IDS},
    },
    parts=3,
)


@dataclass(frozen=True)
class Fake:
    inputs: dict = field(default_factory=dict)
    locality: str = "object"


def fake(locality: str, **columns: str) -> Fake:
    return Fake({p: tuple(map(Column, names.split())) for p, names in columns.items()}, locality)


def plan(*metrics: Fake) -> list[tuple]:
    return [(len(p.metrics), p.locality, p.single) for p in passes(metrics, SOURCE)]


def test_one_pass_over_the_union_of_columns() -> None:
    one = fake("object", matched_source="objectId a")
    (found,) = passes([one, fake("row", matched_source="objectId b missing")], SOURCE)
    assert found.needs == {"matched_source": ("objectId", "a", "b")}
    assert (found.locality, found.single) == ("object", False)


def test_rows_with_a_table_to_look_things_up_go_with_objects() -> None:
    """The table is whole in every partition, or rows would miss what they look for."""
    metric = fake("row", matched_source="objectId a", reference="ra")
    assert plan(metric) == [(1, "object", False)]
    parts = list(SOURCE.partitions(passes([metric], SOURCE)[0].needs, "object", 3))
    assert [len(p["reference"]["ra"]) for p in parts] == [4, 4, 4]
    assert sum(len(p["matched_source"]["a"]) for p in parts) == 4


def test_what_cannot_be_cut_is_one_partition() -> None:
    """Handed whole to each of several, it would count as often."""
    assert plan(fake("object", visit_table="visit")) == [(1, "object", True)]
    assert plan(fake("row", visit_table="visit", reference="ra")) == [(1, "row", True)]
    assert len(list(SOURCE.partitions({"visit_table": ("visit",)}, "object", 1))) == 1
    assert plan(fake("row", visit_table="visit")) == [(1, "row", False)]


def test_products_that_no_metric_shares_are_apart() -> None:
    stars, nights = fake("object", matched_source="a"), fake("visit", visit_table="seeing")
    both = fake("visit", matched_source="a", visit_table="seeing")
    assert plan(stars, nights, both) == [(1, "object", False), (2, "visit", False)]
