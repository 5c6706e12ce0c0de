"""From stored rows to clean partitions of one product."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from skyassay.metrics.contract import Table
from skyassay.pipeline.products import ProductError
from skyassay.verify.tables.clean import Tally, drop_broken, sorted_unique
from skyassay.verify.tables.partition import hash_partition
from skyassay.verify.tables.parts import Layout, as_arrays
from skyassay.verify.tables.stored import StoredProduct

#: Locality -> the column whose rows must stay together.
LOCALITY_COLUMN = {"object": "objectId", "sample": "objectId", "visit": "visit"}


def layout(one: StoredProduct, wanted: tuple[str, ...], locality: str) -> Layout:
    """Return how a product is cut.

    Raises
    ------
    ProductError
        ``missing_column`` when a column the product cannot be without is wanted;
        ``wrong_type``, ``wrong_unit``, ``unit_unparsable``, ``unit_ambiguous`` when one is
        that cannot be read.
    """
    there = one.columns()
    for note in one.notes():
        if note.severity == "error" and note.column in wanted:
            raise ProductError(note.message, code=note.code, hint=note.hint)
    give = tuple(name for name in dict.fromkeys(wanted) if name in there)
    keep = [n for n in (*one.product.key, "sourceId", *one.product.required) if n in there]
    # Rows without a key are no partition's: every one gets them all.
    first = one.product.key[0] if one.product.key else None
    by = LOCALITY_COLUMN.get(locality, first)
    return Layout(tuple(dict.fromkeys((*keep, *give))), give, by if by in keep else None)


def stream_parts(
    one: StoredProduct,
    plan: Layout,
    count: int,
    limit: int,
    done: Callable[[Tally], None],
) -> Iterator[Table]:
    """Yield `count` clean parts of a product; `done` is told what was found at the end."""
    tally = Tally()

    def kept() -> Iterator[pa.Table]:
        nonlocal tally
        for batch in one.batches(plan.read):
            table, found = drop_broken(batch, one.product)
            tally += found
            yield table

    by = plan.by or ""  # with one part nothing is looked up by it
    parts = hash_partition(kept(), by, count if plan.by else 1, rows=one.rows, limit=limit)
    for index, part in enumerate(parts):
        table, repeated = sorted_unique(part, one.product)
        tally += Tally(duplicates=repeated)
        arrays = as_arrays(table, one, plan.give)
        last = plan.by is None or index == count - 1
        if last:
            done(tally)
        for _ in range(1 if plan.by else count):
            yield arrays
