"""FITS binary tables and ECSV, by `astropy.table`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skyassay.verify.tables.bombs import refuse_gzip_bomb
from skyassay.verify.tables.notes import reading
from skyassay.verify.tables.readers import BATCH_ROWS, Group, StoredField


@dataclass(frozen=True)
class AstropyReader:
    """One FITS or ECSV file (see `readers.Reader`); FITS columns stay memory-mapped."""

    path: Path
    rows: int
    fields: dict[str, StoredField]
    protection: str
    table: Any = field(repr=False, default=None)

    @classmethod
    def open(cls, path: Path, kind: str) -> AstropyReader:
        """Open the first table of the file; only plain one-dimensional columns are seen."""
        from astropy.table import Column

        if path.name.lower().endswith(".gz"):
            refuse_gzip_bomb(path)
        with reading(str(path)):
            table, protection = _fits(path) if kind == "fits" else (_ecsv(path), "none")
            fields = {}
            for name in table.colnames:
                column = table[name]
                if isinstance(column, Column) and column.ndim == 1:
                    unit = None if column.unit is None else str(column.unit).strip() or None
                    fields[name] = StoredField(name, _array(column[:0]).type, unit)
            return cls(path, len(table), fields, protection, table)

    def groups(self, column: str) -> tuple[Group, ...] | None:
        """Return nothing: these formats have no row groups."""
        return None

    def batches(
        self,
        columns: tuple[str, ...],
        groups: tuple[int, ...] | None = None,
        few: tuple[str, ...] = (),
    ) -> Iterator[pa.RecordBatch]:
        """Yield slices of the table as record batches."""
        with reading(str(self.path)):
            for start in range(0, self.rows, BATCH_ROWS):
                part = slice(start, start + BATCH_ROWS)
                arrays = [_array(self.table[name][part]) for name in columns]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _fits(path: Path) -> tuple[Any, str]:
    """Read the first binary table; a checksum that does not fit is an error.

    The header is verified with the data, so a file with both keywords is fully protected.
    """
    from astropy.io import fits
    from astropy.table import Table
    from astropy.utils.exceptions import AstropyUserWarning

    with warnings.catch_warnings():
        # "may have been truncated", "checksum verification failed": not to be read past.
        warnings.simplefilter("error", AstropyUserWarning)
        with fits.open(path, memmap=True, checksum=True) as hdus:
            found = [h for h in hdus if isinstance(h, fits.BinTableHDU | fits.TableHDU)]
            if not found:
                raise ValueError("the file holds no table")
            keys = found[0].header
            protected = "CHECKSUM" in keys and "DATASUM" in keys
            _ = [hdu.data for hdu in hdus]  # touch every unit: truncation shows here
            warnings.simplefilter("ignore")  # odd units are judged by us, by name
            table = Table.read(found[0], unit_parse_strict="silent")
    return table, "full" if protected else "none"


def _ecsv(path: Path) -> Any:
    """Read an ECSV file."""
    from astropy.table import Table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Table.read(path, format="ascii.ecsv")


def _array(column: Any) -> pa.Array:
    """Return a table column as Arrow: native byte order, text decoded, masked as null."""
    mask = np.ma.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
    data: NDArray[Any] = np.asarray(np.ma.getdata(column))
    if data.dtype.kind in "SUO":
        return pa.array(_texts(data, mask), type=pa.string())
    return pa.array(np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("=")), mask=mask)


def _texts(data: NDArray[Any], mask: NDArray[np.bool_] | None) -> list[str | None]:
    """Return text without the padding of FITS; masked entries are None."""
    hidden = mask if mask is not None else np.zeros(len(data), dtype=bool)
    return [
        None if gone or v is None else (v.decode("utf-8") if isinstance(v, bytes) else str(v))
        for v, gone in zip(data.tolist(), hidden.tolist(), strict=True)
    ]
