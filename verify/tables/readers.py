"""One interface over the file formats: fields with units, and batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from skyassay.pipeline.products import ProductError
from skyassay.verify.tables.hats import hats_files, hats_root

#: Rows read at a time.
BATCH_ROWS = 1 << 18
_PARQUET = (".parquet", ".parq", ".pq")
_FITS = (".fits", ".fit", ".fits.gz", ".fits.fz")
_ECSV = (".ecsv",)


@dataclass(frozen=True)
class StoredField:
    """A column as it lies in the file; `unit` is None when the file does not say."""

    name: str
    type: pa.DataType
    unit: str | None = None


@dataclass(frozen=True)
class Group:
    """One row group; `limits` are the smallest and largest value of a column, None if all null."""

    index: int
    rows: int
    limits: tuple[int, int] | None


class Reader(Protocol):
    """One file, opened and found sound as far as can be seen without reading it all.

    `protection` is ``full`` (values and footer), ``pages`` (values only) or ``none``: what
    damage the file's own checksums would show.
    """

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def rows(self) -> int:
        """Rows in it."""
        ...

    @property
    def fields(self) -> dict[str, StoredField]:
        """Its columns, by their stored names."""
        ...

    @property
    def protection(self) -> str:
        """What its checksums protect."""
        ...

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return the row groups and what they promise of an integer column, if they do."""
        ...

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of these stored columns, in file order; of some row groups only.

        Text columns named in `few` have few words; they may come dictionary-coded.
        """
        ...


def find_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a path: itself, or the data files below a directory, sorted.

    Of a HATS catalog, those of its partitions.

    Raises
    ------
    ProductError
        ``not_found`` (exit code 4) when there is nothing to read.
    """
    if path.is_file():
        return (path,)
    if not path.exists():
        raise ProductError(
            f"{path} does not exist.", code="not_found", hint="Check the path.", exit_code=4
        )
    root = hats_root(path)
    found = sorted(
        p
        for p in (path.rglob("*") if root is None else hats_files(root))
        if p.is_file()
        and p.name.lower().endswith((*_PARQUET, *_FITS, *_ECSV))
        and not any(part.startswith((".", "_")) for part in p.relative_to(path).parts)
    )
    if not found:
        raise ProductError(
            f"{path} holds no Parquet, FITS or ECSV file.",
            code="not_found",
            hint="Name a table file or a directory of them.",
            exit_code=4,
        )
    return tuple(found)


def open_file(path: Path) -> Reader:
    """Open a file by its ending, or by its first bytes when the ending says nothing.

    Raises
    ------
    ProductError
        ``unreadable_data`` (exit code 3), ``unknown_format`` (exit code 4).
    """
    kind = _format(path)
    if kind == "parquet":
        from skyassay.verify.tables.parquet import ParquetReader

        return ParquetReader.open(path)
    if kind in ("fits", "ecsv"):
        from skyassay.verify.tables.astropy_tables import AstropyReader

        return AstropyReader.open(path, kind)
    raise ProductError(
        f"{path} is in no format that is known here.",
        code="unknown_format",
        hint="Tables are read from Parquet, FITS and ECSV, alert packets as --table alerts=PATH.",
        exit_code=4,
    )


def _format(path: Path) -> str:
    """Return ``parquet``, ``fits``, ``ecsv`` or an empty string."""
    name = path.name.lower()
    for kind, endings in (("parquet", _PARQUET), ("fits", _FITS), ("ecsv", _ECSV)):
        if name.endswith(endings):
            return kind
    with path.open("rb") as stream:
        head = stream.read(10)
    for kind, magic in (("parquet", b"PAR1"), ("fits", b"SIMPLE  ="), ("ecsv", b"# %ECSV")):
        if head.startswith(magic):
            return kind
    return ""
