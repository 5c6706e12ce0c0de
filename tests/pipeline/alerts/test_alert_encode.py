"""Our encoder writes the bytes that fastavro writes."""

import io

import fastavro
import numpy as np
import pandas as pd
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given
from hypothesis import strategies as st

from skyassay.pipeline.alerts.encode import encode, long
from skyassay.pipeline.alerts.errors import AlertError
from skyassay.pipeline.alerts.schema import Field, Record, newest

RECORDS = ("diaSource", "diaForcedSource", "diaObject", "ssSource", "mpc_orbits")
_LIMITS = {"int": 2**31, "long": 2**63}
FIELDS = [
    ("flag", "boolean"),
    ("small", "int"),
    ("large", "long"),
    ("single", "float"),
    ("double", "double"),
    ("words", "string"),
    ("raw", "bytes"),
]
EVERY = Record(
    "every",
    tuple(
        Field(f"{name}{'_or_null' if null else ''}", kind, null)
        for name, kind in FIELDS
        for null in (False, True)
    ),
)


def by_fastavro(record, rows):
    """Return rows written by the library, one after the other."""
    schema = fastavro.parse_schema(
        {
            "type": "record",
            "name": record.name,
            "fields": [
                {"name": f.name, "type": ["null", f.kind] if f.nullable else f.kind}
                for f in record.fields
            ],
        }
    )
    made = []
    for row in rows:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, row)
        made.append(out.getvalue())
    return made


def values(kind):
    if kind in _LIMITS:
        return st.integers(-_LIMITS[kind], _LIMITS[kind] - 1)
    return {
        "boolean": st.booleans(),
        "float": st.floats(width=32, allow_nan=False),
        "double": st.floats(allow_nan=False),
        "string": st.text(max_size=20),
        "bytes": st.binary(max_size=200),
    }[kind]


rows_of_everything = st.lists(
    st.fixed_dictionaries(
        {f.name: st.none() | values(f.kind) if f.nullable else values(f.kind) for f in EVERY.fields}
    ),
    max_size=6,
)


def as_table(rows):
    """Return object columns: None stays None."""
    table = {}
    for field in EVERY.fields:
        table[field.name] = np.empty(len(rows), dtype=object)
        table[field.name][:] = [row[field.name] for row in rows]
    return table


@given(rows_of_everything)
def test_the_bytes_are_those_of_fastavro(rows):
    made = encode(EVERY, as_table(rows))
    assert [bytes(made.row(k)) for k in range(len(made))] == by_fastavro(EVERY, rows)


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_of_its_own(number):
    record = Record("one", (Field("n", "long", False),))
    assert [long(number)] == by_fastavro(record, [{"n": number}])


@pytest.mark.parametrize("name", RECORDS)
def test_whole_records_of_the_newest_schema(name):
    record = newest().record(name)
    rng = np.random.default_rng(3)
    draw = {
        "boolean": lambda: bool(rng.random() < 0.5),
        "int": lambda: int(rng.integers(-(2**31), 2**31)),
        "long": lambda: int(rng.integers(-(2**63), 2**63 - 1)),
        "float": lambda: float(np.float32(rng.normal() * 1e6)),
        "double": lambda: float(rng.normal()),
        "string": lambda: "grizyé☄"[: rng.integers(0, 8)],
    }
    rows = [
        {
            f.name: None if f.nullable and rng.random() < 0.3 else draw[f.kind]()
            for f in record.fields
        }
        for _ in range(20)
    ]
    table = pd.DataFrame({f: pd.Series([r[f] for r in rows], dtype=object) for f in record.names})
    made = encode(record, table)
    assert [bytes(made.row(k)) for k in range(20)] == by_fastavro(record, rows)


NULLS = {
    "NaN": np.array([1.0, np.nan]),
    "None": np.array([1.0, None], dtype=object),
    "masked": np.ma.MaskedArray([1.0, 2.0], [False, True]),
    "pandas NaN": pd.Series([1.0, np.nan]),
    "pandas NA": pd.array([1.0, None], dtype="Float64"),
    "astropy": MaskedColumn([1.0, 2.0], mask=[False, True]),
    "nullable integers": pd.Series([1, None], dtype="Int64"),
}


@pytest.mark.parametrize("column", NULLS.values(), ids=NULLS)
@pytest.mark.parametrize("kind", ["float", "double", "long"])
def test_what_is_missing_is_null(column, kind):
    record = Record("one", (Field("v", kind, True),))
    made = encode(record, {"v": column})
    number = 1 if kind == "long" else 1.0
    expected = by_fastavro(record, [{"v": number}, {"v": None}])
    assert [bytes(made.row(k)) for k in range(2)] == expected


def test_flags_and_text_with_gaps():
    record = Record("two", (Field("f", "boolean", True), Field("t", "string", True)))
    expected = by_fastavro(record, [{"f": True, "t": "r"}, {"f": None, "t": None}])
    flags = [
        pd.Series([True, None], dtype="boolean"),
        MaskedColumn([True, False], mask=[False, True]),
        np.array([True, None], dtype=object),
        np.array([1.0, np.nan]),
    ]
    texts = [
        pd.Series(["r", None], dtype="str"),
        MaskedColumn(["r", ""], mask=[False, True]),
        np.array(["r", None], dtype=object),
        pd.Series(["r", None], dtype=object),
    ]
    for flag, text in zip(flags, texts, strict=True):
        made = encode(record, {"f": flag, "t": text})
        assert [bytes(made.row(k)) for k in range(2)] == expected


def test_a_moment_is_microseconds():
    record = Record("one", (Field("t", "long", True),))
    column = np.array(["1970-01-01T00:00:01", "NaT"], dtype="datetime64[ns]")
    made = encode(record, {"t": column})
    expected = by_fastavro(record, [{"t": 1_000_000}, {"t": None}])
    assert [bytes(made.row(k)) for k in range(2)] == expected


def test_nan_stays_where_null_is_not_allowed():
    record = Record("one", (Field("v", "double", False),))
    made = encode(record, {"v": np.array([np.nan])})
    assert np.isnan(np.frombuffer(made.row(0), "<f8"))


def test_chosen_rows_in_their_order():
    record = Record("one", (Field("n", "long", True),))
    table = Table({"n": [5, 6, 7]})
    made = encode(record, table, np.array([2, 0]))
    assert [bytes(made.row(k)) for k in range(2)] == [b"\x02" + long(7), b"\x02" + long(5)]
    assert bytes(made.rows(0, 2)) == bytes(made.data)


@pytest.mark.parametrize(
    ("field", "column", "code"),
    [
        (Field("v", "long", False), None, "missing_column"),
        (Field("v", "long", False), [1.0, np.nan], "null_value"),
        (Field("v", "string", False), np.array(["r", None], object), "null_value"),
        (Field("v", "long", True), [1.5, 2.0], "wrong_type"),
        (Field("v", "long", True), [2.0**60, 1.0], "wrong_type"),
        (Field("v", "long", True), np.array([2**63, 1], np.uint64), "wrong_type"),
        (Field("v", "int", True), [2**31, 1], "wrong_type"),
        (Field("v", "float", True), ["a", "b"], "wrong_type"),
        (Field("v", "long", True), ["a", "b"], "wrong_type"),
        (Field("v", "long", True), np.array(["a", 1], object), "wrong_type"),
        (Field("v", "float", True), np.array(["a", 1], object), "wrong_type"),
        (Field("v", "boolean", True), [0, 2], "wrong_type"),
        (Field("v", "boolean", True), np.array(["a", True], object), "wrong_type"),
        (Field("v", "string", True), [1, 2], "wrong_type"),
    ],
)
def test_what_cannot_be_written_is_named(field, column, code):
    with pytest.raises(AlertError) as caught:
        encode(Record("one", (field,)), {} if column is None else {"v": column})
    assert caught.value.code == code
    assert caught.value.hint
