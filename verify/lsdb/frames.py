"""One partition of a HATS catalog as LSDB hands it over: from a frame to a row of bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from skyassay.metrics.contract import Metric, Table, state_digest
from skyassay.metrics.states.codec import NotCodable, decode, encode
from skyassay.verify.folding import Failure, Folded, fold_part, guard
from skyassay.verify.resume.container import Checkpoint, from_bytes, to_bytes
from skyassay.verify.tables.clean import Tally, drop_broken, sorted_unique
from skyassay.verify.tables.convert import canonical_batch
from skyassay.verify.tables.parts import Content, Layout, Slice, as_arrays, whole
from skyassay.verify.tables.stored import StoredProduct

#: What a partition becomes.
COLUMNS = ("states", "said")


@dataclass(frozen=True)
class FramePart:
    """A partition in memory, not yet clean (see `skyassay.verify.tables.parts.Part`).

    Attributes
    ----------
    product : str
    rows : pyarrow.Table
        Canonical columns.
    stored : StoredProduct
    layout : Layout
    border : ndarray of int64
        Identifiers that other partitions have rows of too, sorted.
    whole : mapping of str to Slice
        Products that every partition gets whole.
    """

    product: str
    rows: pa.Table
    stored: StoredProduct
    layout: Layout
    border: NDArray[np.int64]
    whole: Mapping[str, Slice] = field(default_factory=dict)

    def identity(self) -> str | None:
        """Return nothing: LSDB does not say what the content was made of."""
        return None

    def read(self) -> Content:
        """Return clean arrays; rows of border objects are set aside."""
        kept, tally = drop_broken(self.rows, self.stored.product)
        outside = np.isin(kept.column(self.layout.by).to_numpy(), self.border)
        table, repeated = sorted_unique(kept.filter(pa.array(~outside)), self.stored.product)
        tables: dict[str, Table] = {n: whole(one) for n, one in self.whole.items()}
        tables[self.product] = as_arrays(table, self.stored, self.layout.give)
        aside = {self.product: kept.filter(pa.array(outside))} if outside.any() else {}
        return Content(tables, {self.product: tally + Tally(duplicates=repeated)}, aside)


@dataclass(frozen=True)
class FoldFrame:
    """The function that LSDB maps over partitions: a frame in, one row of bytes out."""

    product: str
    stored: StoredProduct
    layout: Layout
    folders: Mapping[str, Metric]
    border: NDArray[np.int64]
    whole: Mapping[str, Slice]
    token: str

    def __dask_tokenize__(self) -> str:
        return self.token

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the states of one partition."""
        rows = canonical(frame, self.stored, self.layout)
        part = FramePart(self.product, rows, self.stored, self.layout, self.border, self.whole)
        return pack(fold_part(self.folders, None, part))


@dataclass(frozen=True)
class FrameIds:
    """The function that finds the identifiers of each partition."""

    stored: StoredProduct
    layout: Layout
    token: str

    def __dask_tokenize__(self) -> str:
        return self.token

    def __call__(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the distinct identifiers of one partition, as bytes."""
        only = Layout((str(self.layout.by),), (), self.layout.by)
        column = canonical(frame, self.stored, only).column(self.layout.by).drop_null()
        return _row(np.unique(column.to_numpy().astype(np.int64)).tobytes(), "")


def canonical(frame: pd.DataFrame, stored: StoredProduct, layout: Layout) -> pa.Table:
    """Return a frame's columns with our names, types and units."""
    plan = stored.files[0][1]
    links = {name: plan.links[name] for name in layout.read}
    names = list(dict.fromkeys(link.stored for link in links.values()))
    table = pa.Table.from_pandas(frame[names], preserve_index=False).combine_chunks()
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return pa.concat_tables([canonical_batch(batch, links) for batch in batches])


def pack(folded: Folded) -> pd.DataFrame:
    """Return what a partition gave as one row of bytes."""
    states: dict[str, tuple[str, bytes]] = {}
    failures: dict[str, tuple[str, str]] = {}
    for key, state in folded.states.items():
        made = state if isinstance(state, Failure) else guard(key, partial(_packed, state))
        if isinstance(made, Failure):
            failures[key] = (made.reason, made.hint)
        else:
            states[key] = made
    said = json.dumps({"failures": failures, "refusal": folded.refusal})
    return _row(to_bytes(Checkpoint(states, folded.tallies, folded.aside)), said)


def unpack(row: Mapping[str, Any], folders: Mapping[str, Metric]) -> Folded:
    """Return what `pack` was given."""
    kept = from_bytes(row["states"])
    said = json.loads(row["said"])
    states: dict[str, Any] = {key: Failure(*why) for key, why in said["failures"].items()}
    for key, (_, data) in kept.states.items():
        metric = folders[key]
        states[key] = guard(metric.id, partial(_unpacked, metric, data))
    refusal = None if said["refusal"] is None else tuple(said["refusal"])
    return Folded(states, kept.tallies, kept.aside, refusal)


def _packed(state: Any) -> tuple[str, bytes]:
    """Return digest and bytes of a state that is the same when it comes out again."""
    digest, data = state_digest(state), encode(state)
    if state_digest(decode(type(state), data)) != digest:
        raise NotCodable("the state does not come back from its bytes")
    return digest, data


def _unpacked(metric: Metric, data: bytes) -> Any:
    return decode(type(metric.zero()), data)


def _row(data: bytes, said: str) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([v], dtype=object) for name, v in zip(COLUMNS, (data, said), strict=True)}
    )
