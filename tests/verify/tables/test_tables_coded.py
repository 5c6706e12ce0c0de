"""Text as codes: the same rows, words and notes as text row by row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyassay.verify.tables.coded import CODED, clean_text, has_empty, plain_text, words_of
from skyassay.verify.tables.convert import to_numpy

WORDS = st.lists(st.sampled_from(["r", " r", "i", "i  ", "", " ", "zz", None]), max_size=30)


@given(WORDS)
def test_codes_say_what_the_text_says(words: list[str | None]) -> None:
    plain = pa.array(words, pa.string())
    wanted = [w and w.strip() for w in words]
    for stored in (plain, plain.dictionary_encode(), plain.cast(pa.large_string())):
        for coded in (True, False):
            found = clean_text(stored, coded=coded)
            assert found.type == (CODED if coded else pa.string())
            assert found.to_pylist() == wanted
            column = pa.chunked_array([found])
            texts = to_numpy(column)
            assert texts.tolist() == [w or "" for w in wanted]
            assert texts.dtype.itemsize == 4 * max([1, *(len(w or "") for w in wanted)])
            if "" in wanted:
                assert has_empty(column)


def test_a_word_that_is_null_is_a_row_that_is_null() -> None:
    words = pa.array(["r ", None, "r"], pa.string())
    stored = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None], pa.int8()), words)
    found = clean_text(stored, coded=True)
    assert found.to_pylist() == ["r", None, "r", None]
    assert found.null_count == 2
    assert found.dictionary.to_pylist() == ["r"]


def test_chunks_with_words_of_their_own() -> None:
    chunks = [clean_text(pa.array(w), coded=True) for w in (["r", "i"], ["z", "r"])]
    column = pa.chunked_array(chunks)
    words, number = words_of(column)
    assert words[number].tolist() == ["r", "i", "z", "r"]
    table = plain_text(pa.table({"band": column, "n": [1, 2, 3, 4]}))
    assert table.schema.field("band").type == pa.string()
    assert table.column("band").to_pylist() == ["r", "i", "z", "r"]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(pa.ArrowInvalid):
        clean_text(pa.array([b"\xff\xfe"], pa.binary()), coded=True)


@given(st.lists(st.booleans(), max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_flags_from_the_middle_of_a_byte(flags: list[bool], start: int, more: int) -> None:
    part = pa.chunked_array([pa.array(flags, pa.bool_()).slice(start, more)] * 2)
    assert to_numpy(part).tolist() == flags[start : start + more] * 2
    assert to_numpy(part).dtype == np.bool_
