"""Text as numbers of words: a column with few words is cleaned word by word, not row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: Canonical text as codes: each word once in the dictionary, trimmed and never null.
CODED = pa.dictionary(pa.int32(), pa.string())


def clean_text(stored: pa.Array, *, coded: bool) -> pa.Array:
    """Return stored text trimmed: as codes (`CODED`), or as plain strings.

    Raises
    ------
    pyarrow.ArrowInvalid
        When bytes are no text.
    """
    if pa.types.is_dictionary(stored.type) and len(stored.dictionary) <= len(stored):
        words = pc.utf8_trim_whitespace(_as_string(stored.dictionary))
        indices = stored.indices.cast(pa.int32())
        made = pa.DictionaryArray.from_arrays(indices, words)
        if not coded:
            return made.cast(pa.string())
        if not words.null_count and len(words.unique()) == len(words):
            return made
        return made.cast(pa.string()).dictionary_encode()  # two words that differed by blanks
    if pa.types.is_dictionary(stored.type):
        stored = stored.cast(stored.type.value_type)
    text = pc.utf8_trim_whitespace(_as_string(stored))
    return text.dictionary_encode() if coded else text


def _as_string(stored: pa.Array) -> pa.Array:
    if pa.types.is_fixed_size_binary(stored.type):
        stored = stored.cast(pa.binary())
    return stored.cast(pa.string())


def is_text(kind: pa.DataType) -> bool:
    """Return whether a canonical column is text, coded or not."""
    return bool(pa.types.is_string(kind) or kind == CODED)


def plain_text(table: pa.Table) -> pa.Table:
    """Return the table with coded text as strings: for what travels or is kept."""
    for index, field in enumerate(table.schema):
        if field.type == CODED:
            plain = table.column(index).cast(pa.string())
            table = table.set_column(index, pa.field(field.name, pa.string()), plain)
    return table


def words_of(column: pa.ChunkedArray) -> tuple[NDArray[np.str_], NDArray[Any]]:
    """Return the words of a text column and the number of each row's word; null is empty text.

    Words that no row has may be among them.
    """
    if column.type == CODED and not column.null_count:
        array = column.combine_chunks()
    else:
        array = column.cast(pa.string()).fill_null("").combine_chunks().dictionary_encode()
    words = np.asarray(array.dictionary.to_pylist() or [""], dtype=np.str_)
    return words, array.indices.to_numpy()


def has_empty(column: pa.ChunkedArray) -> bool:
    """Return whether a text column may hold an empty text (null is none)."""
    if column.type == CODED:
        return any("" in chunk.dictionary.to_pylist() for chunk in column.chunks)
    return bool(pc.any(pc.equal(column, "")).as_py())


def counted_words(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    """Return each text of a column with the number of its rows; null is empty text."""
    words, number = words_of(column)
    counts = np.bincount(number, minlength=len(words)).tolist()
    return [(w, n) for w, n in zip(words.tolist(), counts, strict=True) if n]
