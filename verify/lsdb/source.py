"""A HATS catalog as a source that LSDB maps the metrics over.

HATS cuts by position. The rows of one object have positions of their own and may lie in two
partitions, so the identifiers of every partition are looked at first: the rows of objects in
more than one are set aside and make a last part together.
"""

from __future__ import annotations

import os
import uuid
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skyassay.metrics.contract import Metric
from skyassay.pipeline.products import ProductError
from skyassay.verify.executors import Workers
from skyassay.verify.tables import FileSource, open_tables
from skyassay.verify.tables.hats import hats_root
from skyassay.verify.tables.parts import FilePart, Layout, Part, Slice
from skyassay.verify.tables.stream import layout

if TYPE_CHECKING:
    import pandas as pd

    from skyassay.verify.folding import Folded

#: Partitions whose graph is made at a time: graphs of whole surveys are large.
BATCH = 32


@dataclass(frozen=True)
class LsdbSource(FileSource):
    """Products of which some are HATS catalogs (see `skyassay.verify.tables.Source`).

    Attributes
    ----------
    catalogs : mapping of str to str
        Product -> folder of its HATS catalog or collection.
    """

    catalogs: Mapping[str, str] = field(default_factory=dict)

    def parts(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> list[Part] | None:
        """Return nothing: LSDB has parts of its own, and the rest is sorted into parts."""
        return None

    def mapped(
        self,
        needs: Mapping[str, tuple[str, ...]],
        locality: str,
        folders: Mapping[str, Metric],
        workers: Workers,
    ) -> Iterator[Folded] | None:
        """Return what LSDB's partitions give, or None where a pass is not its to do.

        A pass is, when one product has to be cut, by objects, and it is a HATS catalog.
        """
        plans = {name: layout(self.one(name), wanted, locality) for name, wanted in needs.items()}
        cut = [name for name, plan in plans.items() if plan.by is not None]
        if locality not in ("object", "sample") or len(cut) != 1 or cut[0] not in self.catalogs:
            return None
        whole = {
            name: Slice(self.one(name).only(range(len(self.one(name).files))), plan)
            for name, plan in plans.items()
            if not plan.by
        }
        return self._map(cut[0], plans[cut[0]], whole, folders, workers)

    def _map(
        self,
        name: str,
        plan: Layout,
        whole: Mapping[str, Slice],
        folders: Mapping[str, Metric],
        workers: Workers,
    ) -> Iterator[Folded]:
        """Yield the states of every partition, and at last of the rows set aside."""
        from skyassay.verify.folding import fold_part
        from skyassay.verify.lsdb.frames import FoldFrame, unpack

        one = self.one(name).only(range(1))
        border = self._border(name, replace(plan, read=(str(plan.by),)), workers)
        task = FoldFrame(name, one, plan, folders, border, whole, uuid.uuid4().hex)
        aside = []
        for row in self._rows(name, plan, task, workers):
            folded = unpack(row, folders).checked()
            aside += [folded.aside[name]] if name in folded.aside else []
            yield folded
        if aside:
            import pyarrow as pa

            rest = Slice(one, plan, rows=pa.concat_tables(aside))
            yield fold_part(folders, None, FilePart({**whole, name: rest})).checked()

    def _border(self, name: str, plan: Layout, workers: Workers) -> NDArray[np.int64]:
        """Return the identifiers that more than one partition has rows of, sorted."""
        from skyassay.verify.lsdb.frames import FrameIds

        task = FrameIds(self.one(name).only(range(1)), plan, uuid.uuid4().hex)
        found = [
            np.frombuffer(row["states"], dtype=np.int64)
            for row in self._rows(name, plan, task, workers)
        ]
        ids = np.sort(np.concatenate([*found, np.empty(0, dtype=np.int64)]))
        return np.unique(ids[1:][ids[1:] == ids[:-1]])

    def _rows(self, name: str, plan: Layout, task: Any, workers: Workers) -> Iterator[Any]:
        """Yield the row that a function makes of every partition, a few partitions at a time."""
        import pandas as pd

        from skyassay.verify.lsdb.frames import COLUMNS

        meta = pd.DataFrame({column: pd.Series([], dtype=object) for column in COLUMNS})
        links = self.one(name).files[0][1].links
        names = list(dict.fromkeys(links[column].stored for column in plan.read))
        catalog = _open(self.catalogs[name], names)
        for start in range(0, catalog.npartitions, BATCH):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # LSDB's own, of pandas
                few = catalog.partitions[start : start + BATCH].map_partitions(task, meta=meta)
                frames = workers.compute(few.to_delayed())
            for frame in frames:
                yield from _records(frame)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: frame[name].iloc[i] for name in frame.columns} for i in range(len(frame))]


def _open(path: str, columns: list[str]) -> Any:
    """Open a catalog with LSDB.

    Raises
    ------
    ProductError
        ``no_lsdb`` (exit code 4), ``unreadable_data``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LSDB sets an option that pandas no longer has
        try:
            import lsdb
        except ImportError as error:
            raise ProductError(
                "LSDB is not installed.",
                code="no_lsdb",
                hint="pip install 'skyassay[scale]'",
                exit_code=4,
            ) from error
        try:
            return lsdb.open_catalog(path, columns=columns)
        except Exception as error:
            raise ProductError(
                f"{path} cannot be opened as a HATS catalog.",
                code="unreadable_data",
                hint=(str(error).splitlines() or [type(error).__name__])[0][:200],
            ) from error


def open_hats(
    paths: Mapping[str, str | os.PathLike[str]], catalogs: Mapping[str, str]
) -> LsdbSource:
    """Open tables of which some are HATS catalogs.

    Parameters
    ----------
    paths : mapping of str to path-like
        Product -> file or folder of files.
    catalogs : mapping of str to str
        Product -> folder of a HATS catalog or collection.

    Raises
    ------
    ProductError
        ``no_hats`` (exit code 4) where there is no such catalog; those of `open_tables`.
    """
    for path in catalogs.values():
        if hats_root(Path(path)) is None:
            raise ProductError(
                f"{path} is no HATS catalog.",
                code="no_hats",
                hint="Name its folder, the one with hats.properties.",
                exit_code=4,
            )
    source = open_tables({**paths, **catalogs})
    return LsdbSource(source.stored, source.memory_bytes, catalogs=dict(catalogs))
