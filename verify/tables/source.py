"""Tables in files as a source of partitions: what `assay measure --table` opens."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from skyassay.metrics.contract import Tables
from skyassay.pipeline.products import ProductError, product
from skyassay.verify.tables.clean import Tally
from skyassay.verify.tables.notes import Note
from skyassay.verify.tables.partition import MEMORY_BYTES
from skyassay.verify.tables.parts import FilePart, Part, Slice
from skyassay.verify.tables.pieces import slices
from skyassay.verify.tables.readers import find_files, open_file
from skyassay.verify.tables.resolve import resolve
from skyassay.verify.tables.stored import StoredProduct
from skyassay.verify.tables.stream import LOCALITY_COLUMN, layout, stream_parts

#: Name under which alert packets are given: they are two products.
PACKETS = "alerts"


class Source(Protocol):
    """Where products come from: files here, a Butler collection elsewhere."""

    @property
    def products(self) -> tuple[str, ...]:
        """Names of the products there are."""
        ...

    def identity(self) -> Mapping[str, Mapping[str, str | int | float | None]]:
        """Return product -> path as given, rows, SHA-256 of the content."""
        ...

    def columns(self, product: str) -> tuple[str, ...]:
        """Return the columns of a product that are there, by our names."""
        ...

    def partitions(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Iterator[Tables]:
        """Yield partitions in which what the locality names is whole."""
        ...

    def notes(self) -> tuple[Note, ...]:
        """Return what was noticed so far."""
        ...

    def absent(self, product: str) -> Absence:
        """Return why a product is not among `products`, and what to do about it."""
        ...


@dataclass(frozen=True)
class Absence:
    """Why a product cannot be measured.

    Attributes
    ----------
    code : str
        ``missing_product`` where there is none; another where there is one that is unreadable.
    hint : str
    advice : str
        The same for several products.
    """

    code: str
    hint: str
    advice: str


@dataclass(frozen=True)
class FileSource:
    """Products read from files (see `Source`).

    What is found while rows are read is added to `notes`, which is whole once a pass over
    the partitions has ended.
    """

    stored: Mapping[str, StoredProduct]
    memory_bytes: int = MEMORY_BYTES
    _tallies: dict[str, Tally] = field(default_factory=dict, repr=False)

    @property
    def products(self) -> tuple[str, ...]:
        """Names of the products that were opened."""
        return tuple(self.stored)

    def identity(self) -> Mapping[str, Mapping[str, str | int | float | None]]:
        """Return product -> ``path`` as given, ``rows``, ``sha256``.

        And ``simulated`` where the rows say so. The SHA-256 is of the file's content; for
        several files, of the list of their SHA-256s and relative paths.
        """
        found: dict[str, dict[str, str | int | float | None]] = {}
        for name, one in self.stored.items():
            found[name] = {"path": one.path, "rows": one.rows, "sha256": one.sha256}
            if one.simulated:
                found[name]["simulated"] = True
        return found

    def columns(self, product: str) -> tuple[str, ...]:
        """Return the columns of a product that are there, by our names."""
        return self.one(product).columns()

    def notes(self) -> tuple[Note, ...]:
        """Return what was noticed at opening and in the last pass over each product."""
        found: list[Note] = []
        for name, one in self.stored.items():
            found += one.notes()
            found += self._tallies.get(name, Tally()).notes(name)
        return tuple(found)

    def absent(self, product: str) -> Absence:
        """Return what to do about a product that was not given."""
        return no_table(product)

    def partitions(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Iterator[Tables]:
        """Yield `count` partitions of the products in `needs`; one, where none can be cut.

        Parameters
        ----------
        needs : mapping of str to tuple of str
            Product -> columns. An optional column that is not there is left out.
        locality : str
            ``row``, ``object``, ``visit`` or ``sample``. A product without the column that
            the locality names is handed whole to every partition.
        count : int
            Partitions, at least 1.

        Yields
        ------
        mapping of str to mapping of str to ndarray, shape (n,)
            Rows sorted by the product's key, each key once: what a partition holds does
            not depend on the order of the rows in the files.

        Raises
        ------
        ProductError
            ``missing_column``, ``missing_product``, ``unreadable_data``, ``bad_partitions``;
            of a wanted column ``wrong_type``, ``wrong_unit``, ``unit_unparsable``,
            ``unit_ambiguous``.
        """
        _check(locality, count)
        plans = {name: layout(self.one(name), wanted, locality) for name, wanted in needs.items()}
        if not any(plan.by for plan in plans.values()):
            count = 1  # handed whole to several, each row would count as often
        streams = {}
        for name, plan in plans.items():
            done = partial(self._tallies.__setitem__, name)
            streams[name] = stream_parts(self.one(name), plan, count, self.memory_bytes, done)
        for _ in range(count):
            yield {name: next(stream) for name, stream in streams.items()}

    def parts(
        self, needs: Mapping[str, tuple[str, ...]], locality: str, count: int
    ) -> Sequence[Part] | None:
        """Return about `count` parts that workers read themselves.

        None when more than one product is to be cut, or the files are in no order that allows
        it: `partitions` reads them all the same. Parameters and errors are those of
        `partitions`.
        """
        _check(locality, count)
        plans = {name: layout(self.one(name), wanted, locality) for name, wanted in needs.items()}
        cut = [name for name, plan in plans.items() if plan.by is not None]
        if len(cut) != 1:
            return None
        found = slices(self.one(cut[0]), plans[cut[0]], count)
        if found is None:
            return None
        whole = {
            name: Slice(self.one(name).only(range(len(self.one(name).files))), plan)
            for name, plan in plans.items()
            if not plan.by
        }
        return [FilePart({**whole, cut[0]: one}) for one in found]

    def rest(self, parts: Sequence[Part], aside: Mapping[str, Sequence[pa.Table]]) -> Part | None:
        """Return the part of the rows that other parts set aside, with the whole products."""
        model = next((part for part in parts if isinstance(part, FilePart)), None)
        if model is None or not any(table.num_rows for rows in aside.values() for table in rows):
            return None
        made = {
            name: replace(model.slices[name], rows=pa.concat_tables(rows))
            for name, rows in aside.items()
        }
        return FilePart({**model.slices, **made})

    def found(self, tallies: Mapping[str, Tally]) -> None:
        """Keep what the parts found for `notes`."""
        self._tallies.update(tallies)

    def one(self, name: str) -> StoredProduct:
        """Return one opened product.

        Raises
        ------
        ProductError
            ``unknown_product`` or ``missing_product`` (exit code 4).
        """
        if name not in self.stored:
            product(name)
            raise ProductError(
                f"No table of {name} was given.",
                code="missing_product",
                hint=f"Add --table {name}=PATH.",
                exit_code=4,
            )
        return self.stored[name]


def no_table(product: str) -> Absence:
    """Return what is said of a product of which no table was named."""
    packets = ", or --table alerts=PATH of alert packets" if product == "alert" else ""
    return Absence(
        "missing_product",
        f"It reads {product}: add --table {product}=PATH{packets}.",
        "Add --table NAME=PATH for each.",
    )


def _check(locality: str, count: int) -> None:
    """Refuse partitions that cannot be made."""
    if count < 1 or locality not in ("row", *LOCALITY_COLUMN):
        raise ProductError(
            f"There is no way to make {count} partitions of locality {locality!r}.",
            code="bad_partitions",
            hint="Ask for at least one, of locality row, object, visit or sample.",
            exit_code=4,
        )


def open_tables(
    paths: Mapping[str, str | os.PathLike[str]], *, memory_bytes: int = MEMORY_BYTES
) -> FileSource:
    """Open tables and check names, types and units before anything is read.

    Parameters
    ----------
    paths : mapping of str to path-like
        Product name -> Parquet, FITS or ECSV file, or a directory of such files. Under the
        name ``alerts``: alert packets, which give the products `alert` and `dia_source`; a
        `dia_source` that is named itself goes before theirs.
    memory_bytes : int
        Larger products are partitioned through temporary files.

    Returns
    -------
    FileSource

    Raises
    ------
    ProductError
        Exit code 4: ``unknown_product``, ``not_found``, ``unknown_format``.
        Exit code 3: ``unreadable_data``, ``wrong_product``; of the key ``missing_column``,
        ``wrong_type``. Other columns that cannot be read are error notes.
    """
    stored: dict[str, StoredProduct] = {}
    for name, path in paths.items():
        if name == PACKETS:
            # What of it is named by itself, below or above, is read from there.
            from skyassay.verify.alerts.reader import open_alerts

            made = open_alerts(Path(path))
            stored |= {each: one for each, one in made.items() if each not in paths}
            continue
        known = product(name)
        readers = [open_file(file) for file in find_files(Path(path))]
        files = tuple((reader, resolve(reader, known)) for reader in readers)
        stored[name] = StoredProduct(known, os.fspath(path), files)
    return FileSource(stored, memory_bytes)
