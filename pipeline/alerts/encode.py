"""Rows of a table as Avro records, all at once.

Avro's binary encoding (specification 1.11, "Binary Encoding"): integers as zigzag variable
length numbers, floats little-endian, text with its length before it, a union as the number of
its branch and the value, a record as its fields one after the other. The bytes are those that
fastavro writes for the same rows, at a small part of the time; a record that appears in many
packets (an object's history) is encoded once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skyassay.pipeline.alerts import columns
from skyassay.pipeline.alerts.schema import Record
from skyassay.pipeline.measurement.compiled import compiled

_KINDS = {"boolean": 0, "int": 1, "long": 1, "float": 2, "double": 3, "string": 4, "bytes": 4}
#: Most bytes of a value without its text, and of its union's branch.
_MOST = (2, 11, 5, 9, 11)


@dataclass(frozen=True, eq=False)
class Encoded:
    """Encoded rows, one after the other.

    Attributes
    ----------
    data : memoryview
    ends : list of int
        Row k is ``data[ends[k]:ends[k + 1]]``; one more than rows.
    """

    data: memoryview
    ends: list[int]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def row(self, k: int) -> memoryview:
        """Return one record."""
        return self.data[self.ends[k] : self.ends[k + 1]]

    def rows(self, start: int, stop: int) -> memoryview:
        """Return consecutive records."""
        return self.data[self.ends[start] : self.ends[stop]]


def encode(record: Record, table: Any, rows: NDArray[np.int64] | None = None) -> Encoded:
    """Return rows of a table as Avro records.

    Parameters
    ----------
    record : Record
        A column that the table has not is null; other columns of the table are left alone.
    table : DataFrame, Table or mapping of str to array-like
        Missing values (None, NA, masked, NaN) are null where the field may be.
    rows : ndarray of int, optional
        Rows wanted, in their order; all by default.

    Raises
    ------
    AlertError
        ``missing_column``, ``null_value``, ``wrong_type``, ``too_long``.
    """
    count = columns.length(table) if rows is None else len(rows)
    texts = bytearray()
    bits = np.zeros((len(record.fields), count), dtype=np.uint64)
    valid = np.zeros((len(record.fields), count), dtype=np.bool_)
    there = set(columns.names(table))
    for k, field in enumerate(record.fields):
        if field.name in there:
            bits[k], valid[k] = columns.bits_of(table[field.name], field, rows, texts)
        elif not field.nullable:
            raise columns.missing(field.name)
    kinds = np.array([_KINDS[field.kind] for field in record.fields], dtype=np.int64)
    nullable = np.array([field.nullable for field in record.fields], dtype=np.bool_)
    is_text = kinds == _KINDS["string"]
    long_text = int((bits[is_text] & np.uint64(0xFFFFFFFF)).sum())
    out = np.empty(count * sum(_MOST[k] for k in kinds) + long_text, dtype=np.uint8)
    ends = np.zeros(count + 1, dtype=np.int64)
    blob = np.frombuffer(bytes(texts) or b"\0", dtype=np.uint8)
    write(kinds, nullable, bits, valid, blob, out, ends)
    return Encoded(memoryview(out[: ends[-1]].data).toreadonly(), ends.tolist())


def long(value: int) -> bytes:
    """Return one integer as Avro writes it.

    Examples
    --------
    >>> long(-65).hex()
    '8101'
    """
    rest = (value << 1) ^ (value >> 63)
    made = bytearray()
    while rest > 0x7F:
        made.append((rest & 0x7F) | 0x80)
        rest >>= 7
    made.append(rest)
    return bytes(made)


@compiled
def write(
    kinds: NDArray[np.int64],
    nullable: NDArray[np.bool_],
    bits: NDArray[np.uint64],
    valid: NDArray[np.bool_],
    texts: NDArray[np.uint8],
    out: NDArray[np.uint8],
    ends: NDArray[np.int64],
) -> None:
    """Write rows into `out`, and where each ends into `ends`.

    Parameters
    ----------
    kinds : ndarray, shape (n_fields,)
        0 boolean, 1 integer (zigzag), 2 float, 3 double, 4 text.
    nullable : ndarray, shape (n_fields,)
    bits, valid : ndarray, shape (n_fields, n_rows)
        See `columns.bits_of`.
    texts : ndarray
    out : ndarray
        Long enough for all.
    ends : ndarray, shape (n_rows + 1,)
    """
    at = 0
    for row in range(bits.shape[1]):
        for k in range(len(kinds)):
            if nullable[k]:
                out[at] = 2 if valid[k, row] else 0
                at += 1
                if not valid[k, row]:
                    continue
            value, kind = bits[k, row], kinds[k]
            if kind == 0:
                out[at] = value
                at += 1
            elif kind == 2 or kind == 3:
                for _ in range(4 if kind == 2 else 8):
                    out[at] = value & np.uint64(0xFF)
                    value >>= np.uint64(8)
                    at += 1
            else:
                start, size = np.uint64(0), np.uint64(0)
                if kind == 4:
                    start, size = value >> np.uint64(32), value & np.uint64(0xFFFFFFFF)
                    value = size << np.uint64(1)
                while value > np.uint64(0x7F):
                    out[at] = (value & np.uint64(0x7F)) | np.uint64(0x80)
                    value >>= np.uint64(7)
                    at += 1
                out[at] = value
                at += 1
                for j in range(size):
                    out[at] = texts[start + j]
                    at += 1
        ends[row + 1] = at
